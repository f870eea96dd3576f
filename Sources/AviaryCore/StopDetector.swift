/// Watches streamed text for stop strings that may straddle tokens: text that could be the beginning of one is held
/// back until it is clear.
public struct StopDetector {
  private let stops: [[UInt8]]
  private var held: [UInt8] = []
  /// The string that ended it, once one was found.
  public private(set) var hit: String?

  public init(_ strings: [String]) { stops = strings.filter { !$0.isEmpty }.map { Array($0.utf8) } }

  /// Text that may be shown now. After a hit, nothing more comes.
  public mutating func next(_ piece: String) -> String {
    guard hit == nil else { return "" }
    if stops.isEmpty { return piece }
    held += piece.utf8
    if let (position, stop) = firstStop() {
      hit = String(decoding: stop, as: UTF8.self)
      let shown = String(decoding: held[..<position], as: UTF8.self)
      held = []
      return shown
    }
    let keep = longestPrefixAtEnd()
    let shown = String(decoding: held[..<(held.count - keep)], as: UTF8.self)
    held.removeFirst(held.count - keep)
    return shown
  }

  /// What was held back, when no more tokens come.
  public mutating func finish() -> String {
    defer { held = [] }
    return hit == nil ? String(decoding: held, as: UTF8.self) : ""
  }

  /// The stop string that is complete first, and of those that end there the longest: so the answer does not depend on
  /// how the text was cut into pieces.
  private func firstStop() -> (start: Int, stop: [UInt8])? {
    var best: (start: Int, stop: [UInt8])?
    for stop in stops where held.count >= stop.count {
      for start in 0...(held.count - stop.count) where held[start..<start + stop.count].elementsEqual(stop) {
        let end = start + stop.count
        let bestEnd = best.map { $0.start + $0.stop.count } ?? .max
        if end < bestEnd || (end == bestEnd && start < best?.start ?? .max) { best = (start, stop) }
        break
      }
    }
    return best
  }

  /// Bytes at the end that begin a stop string. Stop strings are whole scalars, so the cut falls between scalars.
  private func longestPrefixAtEnd() -> Int {
    var longest = 0
    for stop in stops {
      var length = min(stop.count - 1, held.count)
      while length > longest {
        if held[(held.count - length)...].elementsEqual(stop[..<length]) { longest = length }
        length -= 1
      }
    }
    return longest
  }
}

public import AviaryCore

/// Places as plain text, `cat: [x1, y1, x2, y2]`, in thousandths of the picture's sides; as Vary's paper has it (Wei et al. 2024,
/// arXiv:2401.12503). Four fractions of 1 are read, too.
public struct BracketedRegions: RegionSyntax {
  private static let scale = 1000.0
  /// What stands between a label and its bracket, or between two places.
  private static let separators: Set<Character> = [":", ",", ";", "-", "–", " ", "\n", "\t", "\r"]

  public init() {}

  public func read(_ answer: String, after prompt: String, width: Int, height: Int) -> RegionReading {
    var reading = RegionReading()
    var rest = answer[...]
    while let open = rest.firstIndex(of: "[") {
      let inside = rest[rest.index(after: open)...]
      guard let close = inside.firstIndex(of: "]") else { break }
      if let numbers = Self.numbers(inside[..<close]) {
        let scale = numbers.allSatisfy { (0...1).contains($0) } && inside[..<close].contains(".") ? 1 : Self.scale
        reading.add(
          Self.label(rest[..<open]), [(numbers[0], numbers[1]), (numbers[2], numbers[3])], scale: scale, width: width, height: height)
      }
      rest = inside[inside.index(after: close)...]
    }
    return reading
  }

  public func write(_ region: Region, width: Int, height: Int) -> String {
    let corners = region.points.map { "\($0.x * Int(Self.scale) / max(1, width)), \($0.y * Int(Self.scale) / max(1, height))" }
    let box = "[" + corners.joined(separator: ", ") + "]"
    return region.label.isEmpty ? box : "\(region.label): \(box)"
  }

  /// Four numbers between commas; nil for any other content.
  private static func numbers(_ text: Substring) -> [Double]? {
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = words.compactMap { Double(String($0).trimmingWhitespace()) }
    return words.count == 4 && numbers.count == 4 && numbers.allSatisfy(\.isFinite) ? numbers : nil
  }

  /// The end of the line in front of a bracket.
  private static func label(_ text: Substring) -> String {
    var label = text
    while let last = label.last, separators.contains(last) { label.removeLast() }
    if let line = label.lastIndex(where: { $0.isNewline || $0 == ";" }) { label = label[label.index(after: line)...] }
    while let first = label.first, separators.contains(first) { label.removeFirst() }
    return String(label)
  }
}

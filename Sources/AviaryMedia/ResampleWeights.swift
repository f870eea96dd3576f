/// The weights of one axis of an antialiased resize: for each output pixel, where its source pixels start, how many
/// there are, and what share each has.
struct ResampleWeights {
  /// Shares stored for each output pixel; those past its length are 0.
  let taps: Int
  private(set) var starts: [Int32] = []
  private(set) var lengths: [Int32] = []
  /// [output pixels, taps]; those of a pixel sum to 1.
  private(set) var shares: [Double] = []

  /// - Parameter window: which of the `target` output pixels are wanted.
  init(_ filter: ResampleFilter, from source: Int, to target: Int, window: Range<Int>) {
    let scale = Double(source) / Double(target)
    let widening = max(scale, 1)
    let support = filter.support * widening
    taps = Int(support.rounded(.up)) * 2 + 1
    starts.reserveCapacity(window.count)
    lengths.reserveCapacity(window.count)
    shares.reserveCapacity(window.count * taps)
    for pixel in window {
      let centre = (Double(pixel) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let count = min(Int(centre + support + 0.5), source) - first
      let weights = (0..<count).map { filter.weight((Double($0 + first) - centre + 0.5) * (1 / widening)) }
      let sum = weights.reduce(0, +)
      shares += weights.map { sum == 0 ? $0 : $0 / sum }
      shares += repeatElement(0, count: taps - count)
      starts.append(Int32(first))
      lengths.append(Int32(count))
    }
  }

  /// The shares with 22 fraction bits, rounded half away from zero.
  var fixedPoint: [Int32] { shares.map { Int32(($0 * Double(1 << 22)).rounded(.toNearestOrAwayFromZero)) } }

  /// The source pixels that the window needs.
  var reach: Range<Int> {
    guard let first = starts.first, let last = starts.last, let length = lengths.last else { return 0..<0 }
    return Int(first)..<Int(last + length)
  }

  /// The same weights for a source that begins `offset` pixels later.
  func shifted(by offset: Int) -> ResampleWeights {
    var copy = self
    copy.starts = starts.map { $0 - Int32(offset) }
    return copy
  }
}

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// The filters of Pillow's `Image.resize`. All but `nearest` widen when they shrink a picture (antialiasing).
/// Raw values are Pillow's numbers, which is what `resample` in a `preprocessor_config.json` holds.
public enum ResampleFilter: Int, Sendable, Hashable, CaseIterable {
  case nearest = 0
  case lanczos = 1
  case bilinear = 2
  case bicubic = 3
  case box = 4
  case hamming = 5

  /// Half the filter's width, in source pixels at scale 1.
  var support: Double {
    switch self {
    case .nearest: 0
    case .box: 0.5
    case .bilinear, .hamming: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The filter's weight at a distance from its centre.
  func weight(_ distance: Double) -> Double {
    let x = abs(distance)
    switch self {
    case .nearest: return 0
    case .box: return distance > -0.5 && distance <= 0.5 ? 1 : 0
    case .bilinear: return x < 1 ? 1 - x : 0
    case .hamming:
      if x == 0 { return 1 }
      return x < 1 ? sin(x * .pi) / (x * .pi) * (0.54 + 0.46 * cos(x * .pi)) : 0
    case .bicubic:  // Keys' kernel with a = -0.5
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    case .lanczos: return -3 <= distance && distance < 3 ? sinc(distance) * sinc(distance / 3) : 0
    }
  }

  private func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
}

/// The weights of one axis of a resize: for each output pixel, where its source pixels start, how many there are, and
/// what each weighs, in fixed point with 22 fraction bits.
struct ResampleWeights {
  /// Weights stored for each output pixel; those past its length are 0.
  let taps: Int
  private(set) var starts: [Int32] = []
  private(set) var lengths: [Int32] = []
  private(set) var weights: [Int32] = []

  /// - Parameter window: which of the `target` output pixels are wanted.
  init(_ filter: ResampleFilter, from source: Int, to target: Int, window: Range<Int>) {
    let scale = Double(source) / Double(target)
    let widening = max(scale, 1)
    let support = filter.support * widening
    taps = Int(support.rounded(.up)) * 2 + 1
    starts.reserveCapacity(window.count)
    lengths.reserveCapacity(window.count)
    weights.reserveCapacity(window.count * taps)
    var exact = [Double](repeating: 0, count: taps)
    for pixel in window {
      let centre = (Double(pixel) + 0.5) * scale
      let first = max(Int(centre - support + 0.5), 0)
      let count = min(Int(centre + support + 0.5), source) - first
      var sum = 0.0
      for i in 0..<count {
        exact[i] = filter.weight((Double(i + first) - centre + 0.5) * (1 / widening))
        sum += exact[i]
      }
      for i in 0..<taps {
        guard i < count else {
          weights.append(0)
          continue
        }
        let share = (sum != 0 ? exact[i] / sum : exact[i]) * Double(1 << 22)
        weights.append(Int32(share < 0 ? share - 0.5 : share + 0.5))
      }
      starts.append(Int32(first))
      lengths.append(Int32(count))
    }
  }

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

public import AviaryCore
public import AviaryTensor

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Attention with linear biases (Press et al. 2022): a key's score falls with its distance, by a slope per head.
public struct ALiBi: Sendable {
  private let slopes: Weight

  /// How slopes are chosen for a number of heads that is no power of two.
  public enum Slopes: Sendable, Hashable {
    /// 2^(-h bias / heads), whatever their number (MosaicGPT).
    case plain
    /// Those of the next power of two: every second one, then the others (MPT and the paper).
    case nextPowerOfTwo
  }

  /// - Parameter maximum: the exponent of the last head's slope, 8 usually.
  public init(_ w: Weights, heads: Int, maximum: Double, slopes kind: Slopes) throws(AviaryError) {
    slopes = try w.constant("alibi_slopes", Self.slopes(heads, maximum, kind), [1, heads, 1, 1])
  }

  static func slopes(_ heads: Int, _ maximum: Double, _ kind: Slopes) -> [Float] {
    var count = heads
    if kind == .nextPowerOfTwo {
      count = 1
      while count < heads { count *= 2 }
    }
    let all = (1...count).map { Float(pow(2, -Double($0) * maximum / Double(count))) }
    if count == heads { return all }
    let reordered = stride(from: 1, to: count, by: 2).map { all[$0] } + stride(from: 0, to: count, by: 2).map { all[$0] }
    return Array(reordered.prefix(heads))
  }

  /// A bias [n, heads, t, rows] for queries at positions [n, t] of n sequences over all rows of their caches.
  ///
  /// Distances are counted from a sequence's last query for all of them: softmax does not see what a whole row has in common,
  /// so that one row of numbers per head serves every query.
  public func callAsFunction(_ positions: Tensor, rows: Int) -> Tensor {
    let graph = positions.graph
    let (n, t) = (positions.size(0), positions.size(1))
    let distance = graph.iota(rows).cast(.f32).reshaped(1, 1, 1, rows) - positions.slice(1, t - 1..<t).cast(.f32).reshaped(n, 1, 1, 1)
    let bias = graph.use(slopes) * distance
    return bias.expanded(to: [n, bias.size(1), t, rows])
  }
}

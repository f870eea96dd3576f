public import AviaryTensor

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Scaling of queries by the logarithm of what they look back on (Su 2021, https://kexue.fm/archives/8823): the query of
/// the n-th token gets log(n) / log(trained) where n is larger than the length that the model was trained on.
public struct LogNScale: Sendable {
  let perLog: Float

  /// - Parameter trained: at least 2.
  public init(trained: Int) { perLog = Float(1 / log(Double(trained))) }

  /// i32 of any shape, counted from 0 -> factors of that shape
  public func callAsFunction(_ positions: Tensor) -> Tensor {
    let ratio = (positions.cast(.f32) + 1).unary(.log) * perLog
    return ratio.binary(.maximum, positions.graph.scalar(1))
  }
}

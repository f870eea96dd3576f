public import AviaryCore
public import AviaryTensor

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Rotary position embedding (Su et al. 2021) with its frequencies computed once, in the way that Hugging Face does,
/// so that long positions agree: theta ^ -(2i / d) in float32.
public struct RotaryEmbedding: Sendable {
  let frequencies: Weight
  let spec: RoPE

  /// - Parameters:
  ///   - dimensions: leading dimensions of a head that are rotated.
  ///   - scaling: changes the frequencies (linear scaling of positions is a division of all of them).
  public init(_ w: Weights, dimensions: Int, theta: Double, interleaved: Bool = false, linearScaling: Double = 1) throws(AviaryError) {
    let half = dimensions / 2
    let values = (0..<half).map { i in
      Float(1) / powf(Float(theta), Float(2 * i) / Float(dimensions)) / Float(linearScaling)
    }
    frequencies = try w.constant("inv_freq", values, [half])
    var spec = RoPE(rotary: dimensions)
    spec.interleaved = interleaved
    self.spec = spec
  }

  /// [t, heads, d] at positions [t]
  public func callAsFunction(_ x: Tensor, _ positions: Tensor) -> Tensor {
    x.rope(spec, positions: positions, inverseFrequencies: x.graph.use(frequencies))
  }
}

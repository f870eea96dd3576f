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
  /// One table for each regime; one in all without dynamic NTK.
  let frequencies: [Weight]
  let spec: RoPE
  let ntk: DynamicNTK?

  /// - Parameters:
  ///   - dimensions: leading dimensions of a head that are rotated.
  ///   - scaling: changes the frequencies (linear scaling of positions is a division of all of them).
  ///   - ntk: lets the prompt's length choose them; for more than two dimensions.
  public init(
    _ w: Weights, dimensions: Int, theta: Double, interleaved: Bool = false, linearScaling: Double = 1, ntk: DynamicNTK? = nil
  ) throws(AviaryError) {
    self.ntk = ntk
    let half = dimensions / 2
    var tables: [Weight] = []
    for regime in 0..<(ntk?.regimes ?? 1) {
      let theta = ntk?.theta(theta, regime: regime, dimensions: dimensions) ?? theta
      let values = (0..<half).map { i in
        Float(1) / powf(Float(theta), Float(2 * i) / Float(dimensions)) / Float(linearScaling)
      }
      tables.append(try w.constant("inv_freq", values, [half]))
    }
    frequencies = tables
    var spec = RoPE(rotary: dimensions)
    spec.interleaved = interleaved
    self.spec = spec
  }

  /// Which frequencies a prompt of that length takes.
  public func regime(promptTokens: Int) -> Int { ntk?.regime(promptTokens: promptTokens) ?? 0 }

  /// [t, heads, d] at positions [t]
  public func callAsFunction(_ x: Tensor, _ positions: Tensor, regime: Int = 0) -> Tensor {
    x.rope(spec, positions: positions, inverseFrequencies: x.graph.use(frequencies[min(regime, frequencies.count - 1)]))
  }
}

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
  /// Cosines and sines [positions, dimensions / 2], where a reference keeps them rounded.
  let rounded: (cosines: Weight, sines: Weight)?

  /// - Parameters:
  ///   - dimensions: leading dimensions of a head that are rotated.
  ///   - scaling: changes the frequencies (linear scaling of positions is a division of all of them).
  ///   - factors: divisors of the single frequencies; empty for none.
  ///   - ntk: lets the prompt's length choose them; for more than two dimensions.
  ///   - halfPositions: positions whose cosines and sines are rounded to 16 bits, as models are run whose reference makes these
  ///     tables in the type of the weights; nil keeps them exact. Neither interleaved nor with NTK.
  public init(
    _ w: Weights, dimensions: Int, theta: Double, interleaved: Bool = false, linearScaling: Double = 1, factors: [Float] = [],
    ntk: DynamicNTK? = nil, halfPositions: Int? = nil
  ) throws(AviaryError) {
    precondition(halfPositions == nil || !interleaved && ntk == nil, "rounded tables are for plain rotary positions")
    self.ntk = ntk
    let half = dimensions / 2
    let values = (0..<(ntk?.regimes ?? 1)).map { regime in
      let theta = ntk?.theta(theta, regime: regime, dimensions: dimensions) ?? theta
      return (0..<half).map { i in
        Float(1) / powf(Float(theta), Float(2 * i) / Float(dimensions)) / Float(linearScaling) / (i < factors.count ? factors[i] : 1)
      }
    }
    var spec = RoPE(rotary: dimensions)
    spec.interleaved = interleaved
    self.spec = spec
    var tables: [Weight] = []
    if let halfPositions {
      rounded = try Self.rounded(w, values[0], halfPositions)
    } else {
      rounded = nil
      for row in values { tables.append(try w.constant("inv_freq", row, [half])) }
    }
    frequencies = tables
  }

  private static func rounded(_ w: Weights, _ frequencies: [Float], _ count: Int) throws(AviaryError) -> (cosines: Weight, sines: Weight) {
    func table(_ name: String, _ function: (Float) -> Float) throws(AviaryError) -> Weight {
      let values = (0..<count).flatMap { position in frequencies.map { Float(Float16(function(Float(position) * $0))) } }
      return try w.constant(name, values, [count, frequencies.count])
    }
    return (try table("cos", cosf), try table("sin", sinf))
  }

  /// Which frequencies a prompt of that length takes.
  public func regime(promptTokens: Int) -> Int { ntk?.regime(promptTokens: promptTokens) ?? 0 }

  /// [t, heads, d] at positions [t]
  public func callAsFunction(_ x: Tensor, _ positions: Tensor, regime: Int = 0) -> Tensor {
    if let rounded { return Self.rotated(x, positions, rounded) }
    return x.rope(spec, positions: positions, inverseFrequencies: x.graph.use(frequencies[min(regime, frequencies.count - 1)]))
  }

  private static func rotated(_ x: Tensor, _ positions: Tensor, _ tables: (cosines: Weight, sines: Weight)) -> Tensor {
    let half = tables.cosines.shape[1]
    let (cosine, sine) = (
      x.graph.use(tables.cosines).gatherRows(positions).reshaped(-1, 1, half), x.graph.use(tables.sines).gatherRows(positions).reshaped(-1, 1, half)
    )
    let (a, b) = (x.slice(2, 0..<half), x.slice(2, half..<2 * half))
    let rest = x.size(2) > 2 * half ? [x.slice(2, 2 * half..<x.size(2))] : []
    return Tensor.concat([a * cosine - b * sine, b * cosine + a * sine] + rest, axis: 2)
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// The adapter behind two towers: a linear layer for each one's channels, the results joined, and what follows on the
/// whole (nothing in Vary; GELU and a linear layer in DeepSeek-VL).
public struct SplitProjector: Adapter {
  let parts: [(layer: Linear, channels: Range<Int>)]
  let rest: MLPProjector?

  /// - Parameters:
  ///   - parts: scope of each layer, the channels that it reads, in the order of the features, and those that it gives.
  ///   - rest: what follows on the joined rows.
  public init(_ parts: [(scope: Weights, input: Int, output: Int)], then rest: MLPProjector? = nil) throws(AviaryError) {
    var layers: [(layer: Linear, channels: Range<Int>)] = []
    var start = 0
    for part in parts {
      layers.append((try Linear(part.scope, part.input, part.output, bias: true), start..<start + part.input))
      start += part.input
    }
    self.parts = layers
    self.rest = rest
  }

  /// [n, t, sum of inputs] -> [n, t, output]
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    let joined = Tensor.concat(parts.map { $0.layer(features.slice(2, $0.channels)) }, axis: 2)
    return rest.map { $0(joined, layout) } ?? joined
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// The adapter of LLaVA 1.5 (Liu et al. 2023) and its relatives: a sequence of linear layers, norms and activations
/// applied to each feature row.
public struct MLPProjector: Adapter {
  enum Layer: Sendable {
    case linear(Linear)
    case norm(LayerNorm)
    case activation(UnaryKind)
  }
  let layers: [Layer]

  /// What stands in the sequence; `name` is the layer's scope in the checkpoint.
  public enum Spec: Sendable {
    case linear(String)
    case norm(String)
    case activation(UnaryKind)
  }

  /// - Parameters:
  ///   - input: channels of the features; the first linear layer leads to `output`, the others stay there.
  ///   - bias: of the linear layers.
  public init(_ w: Weights, _ input: Int, _ output: Int, _ specs: [Spec], bias: Bool = true) throws(AviaryError) {
    var width = input
    var layers: [Layer] = []
    for spec in specs {
      switch spec {
      case .linear(let name):
        layers.append(.linear(try Linear(w[name], width, output, bias: bias)))
        width = output
      case .norm(let name): layers.append(.norm(try LayerNorm(w[name], width)))
      case .activation(let kind): layers.append(.activation(kind))
      }
    }
    self.layers = layers
  }

  /// [n, t, input] -> [n, t, output]
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    layers.reduce(features) { x, layer in
      switch layer {
      case .linear(let linear): linear(x)
      case .norm(let norm): norm(x)
      case .activation(let kind): x.unary(kind)
      }
    }
  }
}

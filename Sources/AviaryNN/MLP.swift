public import AviaryCore
public import AviaryTensor

/// Two linear layers with an activation between: the feed-forward part of ViTs and GPTs.
public struct MLP: Sendable {
  let up: Linear
  let down: Linear
  let activation: UnaryKind

  /// - Parameter names: of the two layers in the checkpoint.
  public init(_ w: Weights, _ width: Int, _ hidden: Int, _ activation: UnaryKind, names: (String, String) = ("fc1", "fc2"), bias: Bool = true) throws(AviaryError) {
    up = try Linear(w[names.0], width, hidden, bias: bias)
    down = try Linear(w[names.1], hidden, width, bias: bias)
    self.activation = activation
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { down(up(x).unary(activation)) }
}

/// down(act(gate(x)) * up(x)): the feed-forward part of Llama (Shazeer 2020).
public struct GatedMLP: Sendable {
  let gate: Linear
  let up: Linear
  let down: Linear
  let activation: UnaryKind

  public init(_ w: Weights, _ width: Int, _ hidden: Int, activation: UnaryKind = .silu) throws(AviaryError) {
    gate = try Linear(w["gate_proj"], width, hidden)
    up = try Linear(w["up_proj"], width, hidden)
    down = try Linear(w["down_proj"], hidden, width)
    self.activation = activation
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { down(gate(x).unary(activation) * up(x)) }
}

/// Either feed-forward part, for blocks that differ in nothing else.
public enum FeedForward: Sendable {
  case plain(MLP)
  case gated(GatedMLP)

  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .plain(let mlp): mlp(x)
    case .gated(let mlp): mlp(x)
    }
  }
}

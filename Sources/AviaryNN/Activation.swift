public import AviaryTensor

/// Activation functions by the names that configurations give them.
public enum Activation {
  public static let byName: [(String, UnaryKind)] = [
    ("gelu", .gelu), ("gelu_new", .geluTanh), ("gelu_pytorch_tanh", .geluTanh), ("gelu_fast", .geluTanh),
    ("quick_gelu", .quickGelu), ("silu", .silu), ("swish", .silu), ("relu", .relu),
  ]
}

public import AviaryTensor

/// The weights of a loaded model: where each slot's bytes are on its backend.
public final class ModelWeights: Sendable {
  public let shapes: WeightShapes
  public let slices: [BufferSlice]
  /// Module path of each slot, for messages.
  public let names: [String]

  init(shapes: [Weight], slices: [BufferSlice], names: [String]) {
    self.shapes = WeightShapes(shapes)
    self.slices = slices
    self.names = names
  }

  /// Bytes of all slots.
  public var byteCount: Int { slices.reduce(0) { $0 + $1.byteCount } }
  /// Numbers in all slots: "7.06 B parameters".
  public var parameterCount: Int { shapes.all.reduce(0) { $0 + $1.shape.elements } }
}

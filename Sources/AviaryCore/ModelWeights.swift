public import AviaryTensor

/// The weights of a loaded model: where each slot's bytes are on its backend.
public final class ModelWeights: Sendable {
  public let shapes: WeightShapes
  public let slices: [BufferSlice]
  /// Module path of each slot, for messages.
  public let names: [String]
  /// What the slots' bytes were read from, or still are.
  let pages: [any Pages]

  /// Slots that hold numbers computed at load time, which no checkpoint has.
  public let constants: Set<Int>

  /// How weights begin where training starts from nothing, by name, where a module says it.
  public let beginnings: [String: Beginning]

  /// - Parameter lowRank: additions to products with a slot.
  package init(
    shapes: [Weight], slices: [BufferSlice], names: [String], constants: Set<Int> = [], beginnings: [String: Beginning] = [:], lowRank: [Int32: [LowRank]] = [:],
    pages: [any Pages] = []
  ) {
    self.pages = pages
    self.shapes = WeightShapes(shapes, lowRank: lowRank)
    self.slices = slices
    self.names = names
    self.constants = constants
    self.beginnings = beginnings
  }

  /// The same slots with the bytes of some elsewhere.
  package func replacing(_ new: [Int: BufferSlice]) -> ModelWeights {
    ModelWeights(
      shapes: shapes.all, slices: slices.enumerated().map { new[$0.offset] ?? $0.element }, names: names, constants: constants,
      lowRank: shapes.lowRank, pages: pages)
  }

  /// Throws where a file of the weights was cut short while it was in use; after each run.
  func checkIntact() throws(AviaryError) {
    for page in pages { try page.checkIntact() }
  }

  /// Bytes of all slots.
  public var byteCount: Int { slices.reduce(0) { $0 + $1.byteCount } }
  /// Numbers in all slots: "7.06 B parameters".
  public var parameterCount: Int { shapes.all.reduce(0) { $0 + $1.shape.elements } }
}

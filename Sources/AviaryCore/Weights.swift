public import AviaryTensor

/// A scope of a checkpoint: `w["layers"][3]["mlp"].weight("gate_proj.weight", [out, in])`. The tree of a model's
/// structs is the tree of its checkpoint.
public struct Weights {
  private let loader: WeightLoader
  public let prefix: String
  private let part: ModelPart

  init(_ loader: WeightLoader, prefix: String = "", part: ModelPart = .adapter) {
    self.loader = loader
    self.prefix = prefix
    self.part = part
  }

  public subscript(name: String) -> Weights { Weights(loader, prefix: fullName(name), part: part) }
  /// The same scope as that part's of the model, whose weights may be stored in a type of their own.
  public func part(_ part: ModelPart) -> Weights { Weights(loader, prefix: prefix, part: part) }
  public subscript(index: Int) -> Weights { self["\(index)"] }

  /// The name of a weight of this scope, from the model's root.
  public func fullName(_ name: String) -> String {
    if name.isEmpty { return prefix }
    return prefix.isEmpty ? name : "\(prefix).\(name)"
  }

  /// The path that nodes recorded by this module carry.
  public var path: ModulePath { ModulePath(prefix) }

  /// The tensor of that name, with exactly that shape. What is missing is reported once, for all, when loading ends.
  ///
  /// - Parameter offset: added to each element of a vector.
  public func weight(_ name: String, _ shape: Shape, adding offset: Float = 0) throws(AviaryError) -> Weight {
    try loader.take(fullName(name), shape, part, adding: offset)
  }

  /// Like `weight`, or nil where the checkpoint has no such tensor (optional biases).
  public func optional(_ name: String, _ shape: Shape) throws(AviaryError) -> Weight? {
    loader.has(fullName(name)) ? try loader.take(fullName(name), shape, part) : nil
  }

  public func has(_ name: String) -> Bool { loader.has(fullName(name)) }
  /// Whether any tensor lies below this scope.
  public var isEmpty: Bool { !loader.hasPrefix(prefix + ".") }
  /// The stored shape, for the few models whose configuration does not say it.
  public func storedShape(_ name: String) throws(AviaryError) -> Shape? { try loader.shape(fullName(name)) }

  /// Numbers computed at load time, kept beside the checkpoint's.
  public func constant(_ name: String, _ values: [Float], _ shape: Shape) throws(AviaryError) -> Weight {
    try loader.constant(fullName(name), values, shape)
  }

  /// Says how a weight of this scope begins where the model is trained from nothing.
  public func begins(_ name: String, as beginning: Beginning) { loader.beginnings[fullName(name)] = beginning }

  /// Builds a model from a checkpoint (or from random numbers) on a backend, and checks that nothing is left over.
  ///
  /// - Parameter types: in which types each part's weights are stored on the backend.
  public static func load<M>(
    _ origin: WeightOrigin, as types: WeightTypes = .kept, on backend: any Backend, _ build: (Weights) throws(AviaryError) -> M
  ) throws(AviaryError) -> (M, ModelWeights) {
    let loader = try WeightLoader(origin, as: types, backend: backend)
    let model = try build(Weights(loader))
    return (model, try loader.finish())
  }
}

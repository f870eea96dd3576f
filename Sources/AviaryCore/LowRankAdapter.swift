public import AviaryTensor

/// A LoRA adapter as numbers: thin matrices for some of a model's weights (Hu et al. 2021).
public struct LowRankAdapter: Sendable {
  public struct Module: Sendable {
    /// Canonical name of the weight that it adds to.
    public let weight: String
    public let rank: Int
    /// [rank, in], row by row.
    public var a: [Float]
    /// [out, rank]
    public var b: [Float]
    /// Factor on the product.
    public let scale: Float
    public init(weight: String, rank: Int, a: [Float], b: [Float], scale: Float) {
      self.weight = weight
      self.rank = rank
      self.a = a
      self.b = b
      self.scale = scale
    }
  }
  /// For messages and for the names of its slots.
  public var name: String
  public var modules: [Module]
  public init(name: String, modules: [Module]) {
    self.name = name
    self.modules = modules
  }
}

extension LoadedModel {
  /// The same model with adapters' products added; weights are shared, nothing is loaded again.
  ///
  /// - Parameter adapters: each with a factor of its own.
  /// - Throws: `.weights` where an adapter is of another model, with the names and shapes.
  public func adding(_ adapters: [(adapter: LowRankAdapter, scale: Double)]) throws(AviaryError) -> LoadedModel {
    var shapes = weights.shapes.all
    var slices = weights.slices
    var names = weights.names
    var lowRank = weights.shapes.lowRank
    func add(_ values: [Float], _ shape: Shape, _ name: String) throws(AviaryError) -> Weight {
      let slice = BufferSlice(try backend.allocate(values.count * 4))
      var failure: AviaryError?
      values.withUnsafeBytes { bytes in
        do throws(AviaryError) { try backend.upload(bytes, to: slice) } catch { failure = error }
      }
      if let failure { throw failure }
      let weight = Weight(slot: Int32(shapes.count), shape: shape, dtype: .f32)
      shapes.append(weight)
      slices.append(slice)
      names.append(name)
      return weight
    }
    let slots = Dictionary(weights.names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    for (adapter, scale) in adapters {
      for module in adapter.modules {
        guard let slot = slots[module.weight], weights.shapes.all[slot].shape.count == 2 else {
          throw AviaryError(.weights, "the adapter changes \(module.weight), which \(name) does not have", wanted: "an adapter of this model", at: adapter.name)
        }
        let (out, input) = (weights.shapes.all[slot].shape[0], weights.shapes.all[slot].shape[1])
        guard module.rank > 0, module.a.count == module.rank * input, module.b.count == out * module.rank else {
          throw AviaryError(
            .weights, "\(module.weight): A of \(module.a.count) and B of \(module.b.count) numbers at rank \(module.rank)",
            wanted: "[\(module.rank), \(input)] and [\(out), \(module.rank)], for a weight [\(out), \(input)]", at: adapter.name)
        }
        let scope = module.weight.hasSuffix(".weight") ? String(module.weight.dropLast(7)) : module.weight
        lowRank[Int32(slot), default: []].append(
          LowRank(
            a: try add(module.a, [module.rank, input], "\(scope).lora_A.\(adapter.name)"),
            b: try add(module.b, [out, module.rank], "\(scope).lora_B.\(adapter.name)"), scale: module.scale * Float(scale)))
      }
    }
    return LoadedModel(
      architecture: architecture, model: model,
      weights: ModelWeights(shapes: shapes, slices: slices, names: names, constants: weights.constants, lowRank: lowRank, pages: weights.pages), processor: processor,
      backend: backend, name: name, notices: notices)
  }
}

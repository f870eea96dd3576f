public import AviaryCore
import AviaryFormats
public import AviaryTensor

extension ModelLoader {
  /// Loads a model with adapters on it.
  ///
  /// - Parameter adapters: folders that PEFT or `aviary train` wrote, each perhaps with a factor: `DIR` or `DIR=0.5`.
  public func load(_ model: String, adapters: [String], on backend: any Backend, weights types: WeightTypes = .kept) throws(AviaryError) -> LoadedModel {
    let loaded = try load(model, on: backend, weights: types)
    if adapters.isEmpty { return loaded }
    let (source, map) = try weights(try folder(model))
    return try add(adapters, to: loaded, ModuleNames(source, map))
  }

  func add(_ adapters: [String], to loaded: LoadedModel, _ names: ModuleNames) throws(AviaryError) -> LoadedModel {
    var list: [(adapter: LowRankAdapter, scale: Double)] = []
    for word in adapters {
      let parts = word.split(separator: "=", omittingEmptySubsequences: false)
      let scale = parts.count > 1 ? Double(parts[parts.count - 1]) : 1
      guard let scale, scale.isFinite else { throw AviaryError(.request, "the factor \(parts[parts.count - 1])", wanted: "a number, as in DIR=0.5", at: "--adapter") }
      let folder = parts.count > 1 ? parts.dropLast().joined(separator: "=") : word
      var adapter = try PEFTAdapter(folder, names, limits: limits).adapter
      if list.contains(where: { $0.adapter.name == adapter.name }) { adapter.name += "-\(list.count)" }
      list.append((adapter, scale))
    }
    return try loaded.adding(list)
  }

  /// Writes a model with adapters' products added to its weights, as a checkpoint of its family.
  ///
  /// - Parameter type: the type of all floating-point tensors, nil for those that they have.
  /// - Returns: how many tensors changed.
  /// - Throws: `.file` where the folder is there already, `.weights` where a number is too large for f16.
  public func merge(_ model: String, adapters: [String], to path: String, as type: DType? = nil) throws(AviaryError) -> Int {
    try CheckpointWriter.refuseExisting(path)
    let folder = try folder(model)
    let (source, map) = try weights(folder)
    let names = ModuleNames(source, map)
    let loaded = try add(adapters, to: try load(folder, as: try architecture(of: folder), on: Reference(), random: nil), names)
    let slots = Dictionary(loaded.weights.names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    var changed = 0
    try CheckpointWriter(folder, source, names).write(to: path, as: type) { (name) throws(AviaryError) -> [Float]? in
      guard let slot = slots[name], let additions = loaded.weights.shapes.lowRank[Int32(slot)] else { return nil }
      changed += 1
      var values = try loaded.floats(slot)
      for addition in additions { Self.add(try loaded.floats(Int(addition.a.slot)), try loaded.floats(Int(addition.b.slot)), addition, to: &values) }
      return values
    }
    return changed
  }

  /// W += scale B A
  private static func add(_ a: [Float], _ b: [Float], _ addition: LowRank, to w: inout [Float]) {
    let (rank, input, out) = (addition.a.shape[0], addition.a.shape[1], addition.b.shape[0])
    for o in 0..<out {
      for r in 0..<rank {
        let factor = addition.scale * b[o * rank + r]
        for i in 0..<input { w[o * input + i] += factor * a[r * input + i] }
      }
    }
  }
}

extension LoadedModel {
  /// A slot's numbers, from the backend.
  func floats(_ slot: Int) throws(AviaryError) -> [Float] {
    let (weight, slice) = (weights.shapes.all[slot], weights.slices[slot])
    let pages = try OwnedPages(count: slice.byteCount, name: weights.names[slot]) { (bytes) throws(AviaryError) in
      try backend.download(slice, into: bytes)
    }
    return StoredTensor(name: weights.names[slot], shape: weight.shape, dtype: weight.dtype, pages: pages, offset: 0).floats()
  }
}

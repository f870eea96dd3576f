public import AviaryTensor

/// Where a model's weights come from.
public enum WeightOrigin: Sendable {
  case checkpoint(any WeightSource, NameMap)
  /// Random numbers of any shape that is asked for, stored as `dtype`: for measuring speed without a checkpoint.
  case random(DType, seed: UInt64)
}

/// Loads weights as a model asks for them and keeps the account: what was taken, what is missing, what has another
/// shape, what is left over. One error at the end shows all of it.
final class WeightLoader {
  private let backend: any Backend
  private let origin: WeightOrigin
  private let types: WeightTypes
  /// Canonical name -> stored name.
  private var stored: [String: String] = [:]
  private var taken: Set<String> = []
  private var problems: [(name: String, found: String, wanted: String)] = []
  private var weights: [Weight] = []
  private var slices: [BufferSlice] = []
  private var names: [String] = []
  private var slotByName: [String: Int] = [:]
  private var adopted: [ObjectIdentifier: (any Buffer)?] = [:]
  private var pages: [ObjectIdentifier: any Pages] = [:]
  private var noise: RandomWeights?
  private var constants: Set<Int> = []
  /// By name, where a module says it.
  var beginnings: [String: Beginning] = [:]

  init(_ origin: WeightOrigin, as types: WeightTypes, backend: any Backend) throws(AviaryError) {
    self.backend = backend
    self.origin = origin
    self.types = types
    switch origin {
    case .checkpoint(let source, let map):
      for dtype in [types.language, types.vision, types.adapter] {
        if let dtype, !DType.storable.contains(dtype) {
          throw AviaryError(.config, "weights stored as \(dtype)", wanted: "one of " + DType.storable.map(\.description).joined(separator: ", "))
        }
      }
      for name in source.names {
        guard let canonical = map.canonical(name) else { continue }
        if let other = stored.updateValue(name, forKey: canonical) {
          throw AviaryError(.weights, "tensors \(other) and \(name) both stand for \(canonical)", wanted: "one of them")
        }
      }
    case .random(let dtype, let seed): noise = RandomWeights(dtype: dtype, seed: seed)
    }
  }

  func has(_ name: String) -> Bool {
    if case .random = origin { return false }
    return stored[name] != nil
  }

  func hasPrefix(_ prefix: String) -> Bool { stored.keys.contains { $0.hasPrefix(prefix) } }

  func shape(_ name: String) throws(AviaryError) -> Shape? {
    guard case .checkpoint(let source, _) = origin, let original = stored[name] else { return nil }
    return try source.tensor(original)?.shape
  }

  /// The tensor of that canonical name, which must have exactly that shape. A problem is noted and reported by
  /// `finish`; a placeholder lets the model go on so that all problems are found at once.
  ///
  /// - Parameter offset: added to each element of a vector.
  func take(_ name: String, _ shape: Shape, _ part: ModelPart, adding offset: Float = 0) throws(AviaryError) -> Weight {
    if let slot = slotByName[name], weights[slot].shape == shape { return weights[slot] }
    switch origin {
    case .random:
      guard let noise else { throw AviaryError(.internal, "no random numbers") }
      let dtype = noise.dtype(for: shape, under: name, read: backend.capabilities.weightTypes)
      let bytes = dtype.byteCount(elements: shape.elements) ?? 0
      let buffer = try backend.allocate(bytes)
      try noise.fill(buffer, shape, dtype, name, backend)
      return add(name, shape, dtype, BufferSlice(buffer))
    case .checkpoint(let source, _):
      guard let original = stored[name], let tensor = try source.tensor(original) else {
        problems.append((name, "missing", "\(shape)"))
        return Weight(slot: 0, shape: shape, dtype: .f32)
      }
      taken.insert(name)
      pages[ObjectIdentifier(tensor.pages)] = tensor.pages
      guard tensor.shape == shape else {
        problems.append((original, "\(tensor.shape)", "\(shape)"))
        return Weight(slot: 0, shape: shape, dtype: .f32)
      }
      guard tensor.dtype.holdsRows(of: shape.count == 0 ? 1 : shape[-1]) else {
        problems.append((original, "\(tensor.dtype) in rows of \(shape[-1])", "rows that fill blocks of \(tensor.dtype.blockElements)"))
        return Weight(slot: 0, shape: shape, dtype: .f32)
      }
      let isRead = backend.capabilities.weightTypes.contains(tensor.dtype)
      // What the backend has no product for becomes half-precision floats.
      let kept = tensor.dtype.isQuantised && !isRead ? DType.f16 : tensor.dtype
      let wanted = types[part].map { tensor.stored(as: $0, under: name, read: backend.capabilities.weightTypes) } ?? kept
      if wanted != tensor.dtype, shape.count >= 2, StoredTensor.converts(tensor.dtype, to: wanted) {
        let buffer = try backend.allocate(wanted.byteCount(elements: shape.elements) ?? 0)
        try tensor.convert(to: wanted, into: buffer, on: backend)
        return add(name, shape, wanted, BufferSlice(buffer))
      }
      guard isRead || tensor.dtype.isQuantised else {
        problems.append((original, "stored as \(tensor.dtype)", "one of \(backend.capabilities.weightTypes.map(\.description).sorted().joined(separator: ", "))"))
        return Weight(slot: 0, shape: shape, dtype: .f32)
      }
      return try place(name, tensor, adding: offset)
    }
  }

  /// Numbers computed at load time (rotary frequencies, masks).
  func constant(_ name: String, _ values: [Float], _ shape: Shape) throws(AviaryError) -> Weight {
    let buffer = try backend.allocate(values.count * 4)
    try uploadFloats(values, to: BufferSlice(buffer))
    constants.insert(weights.count)
    return add(name, shape, .f32, BufferSlice(buffer))
  }

  /// Ends loading: one error with a table where anything is missing, misshapen or left over.
  func finish() throws(AviaryError) -> ModelWeights {
    let left = stored.filter { !taken.contains($0.key) }.values.sorted()
    guard problems.isEmpty, left.isEmpty else {
      var lines: [String] = []
      for problem in problems.prefix(12) { lines.append("  \(problem.name): \(problem.found), wanted \(problem.wanted)") }
      if problems.count > 12 { lines.append("  and \(problems.count - 12) more") }
      for name in left.prefix(12) { lines.append("  \(name): not used by this model") }
      if left.count > 12 { lines.append("  and \(left.count - 12) more not used") }
      throw AviaryError(
        .weights,
        "\(problems.count) tensors missing or of another shape, \(left.count) that the model does not know\n" + lines.joined(separator: "\n"))
    }
    let model = ModelWeights(shapes: weights, slices: slices, names: names, constants: constants, beginnings: beginnings, pages: Array(pages.values))
    try model.checkIntact()
    return model
  }

  private func add(_ name: String, _ shape: Shape, _ dtype: DType, _ slice: BufferSlice) -> Weight {
    let weight = Weight(slot: Int32(weights.count), shape: shape, dtype: dtype)
    slotByName[name] = weights.count
    weights.append(weight)
    slices.append(slice)
    names.append(name)
    return weight
  }

  /// Maps the tensor's bytes where the backend can, else copies them to it. Vectors (norms, biases) become f32: they
  /// are small, and every kernel may then count on it.
  private func place(_ name: String, _ tensor: StoredTensor, adding offset: Float) throws(AviaryError) -> Weight {
    if tensor.shape.count < 2, tensor.dtype != .f32 || offset != 0 {
      let values = offset == 0 ? tensor.floats() : tensor.floats().map { $0 + offset }
      let buffer = try backend.allocate(values.count * 4)
      try uploadFloats(values, to: BufferSlice(buffer))
      return add(name, tensor.shape, .f32, BufferSlice(buffer))
    }
    let id = ObjectIdentifier(tensor.pages)
    if adopted[id] == nil { adopted[id] = try backend.adopt(tensor.pages.bytes, owner: tensor.pages) }
    if let buffer = adopted[id] ?? nil, tensor.offset % tensor.dtype.alignment == 0 {
      return add(name, tensor.shape, tensor.dtype, BufferSlice(buffer, offset: tensor.offset, byteCount: tensor.byteCount))
    }
    let buffer = try backend.allocate(tensor.byteCount)
    try backend.upload(tensor.bytes, to: BufferSlice(buffer))
    return add(name, tensor.shape, tensor.dtype, BufferSlice(buffer))
  }

  private func uploadFloats(_ values: [Float], to slice: BufferSlice) throws(AviaryError) {
    let result: Result<Void, AviaryError> = values.withUnsafeBytes { bytes in
      do throws(AviaryError) { return .success(try backend.upload(bytes, to: slice)) } catch { return .failure(error) }
    }
    try result.get()
  }
}

extension StoredTensor {
  /// The elements as floats; for vectors and tests, not for whole matrices.
  public func floats() -> [Float] {
    [Float](unsafeUninitializedCapacity: shape.elements) { floats, count in
      count = shape.elements
      floats.baseAddress?.initialize(repeating: 0, count: count)
      read(0..<count, into: UnsafeMutableBufferPointer(rebasing: floats[..<count]))
    }
  }
}

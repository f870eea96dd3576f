public import AviaryCore
public import AviaryTensor

/// The tensors that a pickle of `torch.save` describes.
public struct PickledTensors: Sendable {
  /// Each tensor with its name, in the order of the file. One level of nesting is flattened: `{"model": {"a": t}}` gives
  /// `model.a`.
  public let tensors: [(name: String, tensor: PickledTensor)]
  /// The keys of the outermost dict, those without tensors among them.
  public let topLevelKeys: [String]
}

/// Reads the pickle of a PyTorch file as data: a fixed table of names is understood, nothing is ever called, and every
/// other name or opcode is refused by its name. There is no fallback.
public enum PickleReader {
  /// - Parameter name: what to call the pickle in an error.
  /// - Throws: `.format` for anything that is not a dict of tensors and plain values; `.limit`.
  public static func read(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: Limits = .standard
  ) throws(AviaryError) -> PickledTensors {
    guard bytes.count <= limits.pickleBytes else {
      throw AviaryError(
        .limit, "the pickle has \(bytes.count) bytes", wanted: "at most \(limits.pickleBytes)", at: name)
    }
    var machine = PickleMachine(bytes, name: name, limits: limits)
    let root = try machine.run()
    guard case .dict(let index) = root else {
      throw AviaryError(.format, "the file holds \(root.description)", wanted: "a dict of tensors", at: name)
    }
    var tensors: [(name: String, tensor: PickledTensor)] = []
    var names: Set<String> = []
    func add(_ key: String, _ value: PickleValue) throws(AviaryError) {
      guard case .tensor(let number) = value else { return }
      guard names.insert(key).inserted else {
        throw AviaryError(.format, "two tensors are named \(quoted(key))", wanted: "names that differ", at: name)
      }
      guard tensors.count < limits.tensorsPerFile else {
        throw AviaryError(.limit, "too many tensors", wanted: "at most \(limits.tensorsPerFile)", at: name)
      }
      tensors.append((key, machine.tensors[number]))
    }
    let dict = machine.dicts[index]
    for (key, value) in zip(dict.keys, dict.values) {
      try add(key, value)
      guard case .dict(let inner) = value else { continue }
      let nested = machine.dicts[inner]
      for position in nested.tensorPositions {
        try add("\(key).\(nested.keys[position])", nested.values[position])
      }
    }
    return PickledTensors(tensors: tensors, topLevelKeys: dict.keys)
  }
}

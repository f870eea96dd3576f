import AviaryTensor

/// What stands for calls: each admitted name has its own arguments and builds one of our values.
extension PickleMachine {
  mutating func pushGlobal(module: String, name: String) throws(AviaryError) {
    guard let global = PickleGlobal(module: module, name: name) else {
      throw error(
        "it asks for \(quoted("\(module).\(name)"))", wanted: "tensors and plain values; nothing in it is ever run")
    }
    stack.append(.global(global))
  }

  mutating func reduce(_ function: PickleValue, _ arguments: PickleValue) throws(AviaryError) {
    guard case .global(let global) = function, case .tuple(let tuple) = arguments else {
      throw error("REDUCE on \(function.description) with \(arguments.description)")
    }
    switch global {
    case .orderedDict:
      guard tuple.count == 0 else { throw error("an OrderedDict with \(tuple.count) arguments", wanted: "none") }
      pushDict()
    case .rebuildTensor:
      stack.append(.tensor(tensors.count))
      tensors.append(try tensor(elements(tuple)))
    case .rebuildParameter:
      guard tuple.count == 3, case .tensor(let index)? = elements(tuple).first else {
        throw error("a parameter of \(tuple.count) arguments", wanted: "3, the first a tensor")
      }
      stack.append(.tensor(index))
    case .storageType: throw error("REDUCE on \(function.description)")
    }
  }

  /// The tensor of `_rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, hooks[, metadata])`.
  private func tensor(_ arguments: ArraySlice<PickleValue>) throws(AviaryError) -> PickledTensor {
    let a = Array(arguments.prefix(8))
    guard a.count == 6 || a.count == 7, case .storage(let storage) = a[0], case .int(let offset) = a[1],
      let sizes = integers(a[2]), let strides = integers(a[3])
    else {
      let found = "a tensor of (\(a.map(\.description).joined(separator: ", ")))"
      throw error(found, wanted: "storage, offset, sizes, strides, and two or three more")
    }
    return try PickledTensor(sizes: sizes, strides: strides, offset: offset, storage: storage, place: place)
  }

  /// The storage of a persistent id: `("storage", type, key, location, count)`.
  mutating func storage(_ id: PickleValue) throws(AviaryError) -> PickledStorage {
    guard case .tuple(let tuple) = id, tuple.count == 5, case let a = Array(elements(tuple)),
      case .string("storage") = a[0], case .global(.storageType(let dtype)) = a[1], case .string(let key) = a[2],
      case .string = a[3], case .int(let count) = a[4], count >= 0
    else { throw error("a persistent id that names no storage") }
    // The key becomes part of an entry's name.
    let isPlain = key.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || $0 == 0x5F }
    guard isPlain, !key.isEmpty, key.utf8.count <= 64 else {
      throw error("a storage with the key \(quoted(key))", wanted: "letters, digits and `_`")
    }
    let storage = PickledStorage(key: key, dtype: dtype, count: count)
    guard storages.updateValue(storage, forKey: key) ?? storage == storage else {
      throw error("storage \(quoted(key)) is described in two ways", wanted: "one type and length")
    }
    return storage
  }

  private func elements(_ tuple: PickleTuple) -> ArraySlice<PickleValue> {
    tupleElements[tuple.start..<tuple.start + tuple.count]
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let tuple) = value else { return nil }
    var integers: [Int] = []
    for element in elements(tuple) {
      guard case .int(let integer) = element else { return nil }
      integers.append(integer)
    }
    return integers
  }
}

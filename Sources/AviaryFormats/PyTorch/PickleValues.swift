public import AviaryTensor

/// The values that a pickle of tensors is made of. Containers are numbers into the machine's own arrays, so that nothing
/// nests in memory: neither reading nor freeing a hostile file can go deep.
enum PickleValue {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case tuple(PickleTuple)
  /// Lists hold nothing that we want: their elements are dropped.
  case list
  case dict(Int)
  case global(PickleGlobal)
  case storage(PickledStorage)
  case tensor(Int)

  var description: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .int(let int): "the number \(int)"
    case .double: "a real number"
    case .string(let text): "the string \(quoted(text))"
    case .tuple(let tuple): "a tuple of \(tuple.count)"
    case .list: "a list"
    case .dict: "a dict"
    case .global(let global): "`\(global.name)`"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// A range of the machine's tuple elements.
struct PickleTuple {
  let start: Int
  let count: Int
  /// Levels of tuples in it, itself included.
  let depth: Int
}

/// A dict. Only keys that are strings count.
struct PickleDict {
  var keys: [String] = []
  var values: [PickleValue] = []
  /// Which of the values are tensors.
  var tensorPositions: [Int] = []
}

/// What a pickle may name. Naming never runs anything: `REDUCE` on these builds our own values.
enum PickleGlobal {
  case orderedDict
  case rebuildTensor
  case rebuildParameter
  case storageType(DType)

  private static let table: [String: PickleGlobal] = [
    "collections.OrderedDict": .orderedDict,
    "torch._utils._rebuild_tensor_v2": .rebuildTensor,
    "torch._utils._rebuild_parameter": .rebuildParameter,
    "torch.FloatStorage": .storageType(.f32),
    "torch.HalfStorage": .storageType(.f16),
    "torch.BFloat16Storage": .storageType(.bf16),
    "torch.DoubleStorage": .storageType(.f64),
    "torch.LongStorage": .storageType(.i64),
    "torch.IntStorage": .storageType(.i32),
    "torch.ShortStorage": .storageType(.i16),
    "torch.CharStorage": .storageType(.i8),
    "torch.ByteStorage": .storageType(.u8),
    "torch.BoolStorage": .storageType(.bool),
  ]

  /// Module and name must be those of the table apart too, so that no other split of the dots passes.
  init?(module: String, name: String) {
    guard !name.contains("."), let global = PickleGlobal.table["\(module).\(name)"] else { return nil }
    self = global
  }

  var name: String {
    switch self {
    case .orderedDict: "collections.OrderedDict"
    case .rebuildTensor: "torch._utils._rebuild_tensor_v2"
    case .rebuildParameter: "torch._utils._rebuild_parameter"
    case .storageType(let dtype): "torch storage of \(dtype)"
    }
  }
}

/// A run of elements that tensors are views of: one entry `data/<key>` of the zip file.
public struct PickledStorage: Sendable, Hashable {
  public let key: String
  public let dtype: DType
  /// Elements, not bytes.
  public let count: Int
}

/// A tensor as the pickle describes it: checked to lie within the length that its storage claims.
public struct PickledTensor: Sendable, Hashable {
  public let shape: Shape
  /// Elements from one index to the next, for each axis; from 0.
  public let strides: [Int]
  /// The first element in the storage.
  public let offset: Int
  public let storage: PickledStorage

  /// - Throws: `.format` where sizes or strides are negative, overflow, or lead past the end of the storage.
  init(sizes: [Int], strides: [Int], offset: Int, storage: PickledStorage, place: String) throws(AviaryError) {
    let (shape, _) = try checkedShape(sizes, storage.dtype, at: place)
    guard strides.count == sizes.count else {
      throw AviaryError(.format, "a tensor has \(sizes.count) sizes and \(strides.count) strides", at: place)
    }
    guard strides.allSatisfy({ $0 >= 0 }), offset >= 0 else {
      let found = "a tensor of sizes \(sizes) has strides \(strides) and offset \(offset)"
      throw AviaryError(.format, found, wanted: "strides and offset from 0", at: place)
    }
    if shape.elements > 0 {
      var last = offset
      var overflows = false
      for (size, stride) in zip(sizes, strides) {
        let (reach, tooFar) = (size - 1).multipliedReportingOverflow(by: stride)
        let (sum, tooBig) = last.addingReportingOverflow(reach)
        overflows = overflows || tooFar || tooBig
        last = sum
      }
      guard !overflows, last < storage.count else {
        let found = "a tensor of sizes \(sizes), strides \(strides) and offset \(offset) reaches past its storage"
        throw AviaryError(.format, found, wanted: "at most \(storage.count) elements", at: place)
      }
    }
    self.shape = shape
    self.strides = strides
    self.offset = offset
    self.storage = storage
  }

  /// Whether the elements lie one after the other in row-major order.
  var isContiguous: Bool {
    if shape.elements == 0 { return true }
    var expected = 1
    for (size, stride) in zip(shape.dims, strides).reversed() where size != 1 {
      guard stride == expected else { return false }
      expected *= size
    }
    return true
  }
}

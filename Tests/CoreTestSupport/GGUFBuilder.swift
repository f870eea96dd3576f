/// Writes GGUF files, right ones and wrong ones: every number may be overridden.
public struct GGUFBuilder: Sendable {
  public enum Value: Sendable {
    case u8(UInt8), u16(UInt16), u32(UInt32), u64(UInt64), i32(Int32), f32(Float), bool(UInt8), string(String)
    case strings([String]), ints([Int32]), floats([Float])
    /// Type and bytes as they come.
    case raw(UInt32, [UInt8])

    var type: UInt32 {
      switch self {
      case .u8: 0
      case .u16: 2
      case .u32: 4
      case .i32: 5
      case .f32: 6
      case .bool: 7
      case .string: 8
      case .strings, .ints, .floats: 9
      case .u64: 10
      case .raw(let type, _): type
      }
    }

    var bytes: [UInt8] {
      switch self {
      case .u8(let value), .bool(let value): [value]
      case .u16(let value): littleEndian(value)
      case .u32(let value): littleEndian(value)
      case .u64(let value): littleEndian(value)
      case .i32(let value): littleEndian(value)
      case .f32(let value): littleEndian(value.bitPattern)
      case .string(let text): GGUFBuilder.string(text)
      case .strings(let texts): littleEndian(UInt32(8)) + littleEndian(UInt64(texts.count)) + texts.flatMap(GGUFBuilder.string)
      case .ints(let numbers): littleEndian(UInt32(5)) + littleEndian(UInt64(numbers.count)) + numbers.flatMap { littleEndian($0) }
      case .floats(let numbers): littleEndian(UInt32(6)) + littleEndian(UInt64(numbers.count)) + numbers.flatMap { littleEndian($0.bitPattern) }
      case .raw(_, let bytes): bytes
      }
    }
  }

  public struct Tensor: Sendable {
    public var name: [UInt8]
    /// As the file lists them: neighbours first.
    public var dims: [UInt64]
    public var type: UInt32
    public var data: [UInt8]
    public var offset: UInt64?

    public init(_ name: String, _ dims: [UInt64], type: UInt32 = 0, data: [UInt8]? = nil, offset: UInt64? = nil) {
      self.name = Array(name.utf8)
      self.dims = dims
      self.type = type
      let bytes = dims.reduce(UInt64(4)) { $0.multipliedReportingOverflow(by: $1).partialValue }
      self.data = data ?? [UInt8](repeating: 1, count: Int(min(bytes, 4096)))
      self.offset = offset
    }
  }

  public var magic = Array("GGUF".utf8)
  public var version: UInt32 = 3
  public var values: [(key: String, value: Value)] = [("general.architecture", .string("test"))]
  public var tensors = [Tensor("a.weight", [4, 2]), Tensor("b.weight", [3])]
  public var tensorCount: UInt64?
  public var valueCount: UInt64?
  public var alignment = 32

  public init() {}

  static func string(_ text: String) -> [UInt8] { littleEndian(UInt64(text.utf8.count)) + Array(text.utf8) }

  public func bytes() -> [UInt8] {
    var out = magic + littleEndian(version) + littleEndian(tensorCount ?? UInt64(tensors.count)) + littleEndian(valueCount ?? UInt64(values.count))
    for (key, value) in values { out += GGUFBuilder.string(key) + littleEndian(value.type) + value.bytes }
    var data: [UInt8] = []
    for tensor in tensors {
      out += littleEndian(UInt64(tensor.name.count)) + tensor.name + littleEndian(UInt32(tensor.dims.count))
      for size in tensor.dims { out += littleEndian(size) }
      out += littleEndian(tensor.type) + littleEndian(tensor.offset ?? UInt64(data.count))
      data += tensor.data
      while data.count % alignment != 0 { data.append(0) }
    }
    while out.count % alignment != 0 { out.append(0) }
    return out + data
  }

  /// With one more metadata value.
  public func adding(_ key: String, _ value: Value) -> GGUFBuilder {
    var copy = self
    copy.values.append((key, value))
    return copy
  }

  /// With another value for a key, or without it.
  public func setting(_ key: String, _ value: Value?) -> GGUFBuilder {
    var copy = self
    copy.values.removeAll { $0.key == key }
    if let value { copy.values.append((key, value)) }
    return copy
  }

  /// With these tensors alone.
  public func with(_ tensors: Tensor...) -> GGUFBuilder {
    var copy = self
    copy.tensors = tensors
    return copy
  }
}

private func littleEndian<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

import AviaryCore
public import AviaryTensor

/// A value to write among a file's metadata.
public enum GGUFEntry: Sendable {
  case u32(Int)
  case i32(Int)
  case float(Float)
  case bool(Bool)
  case string(String)
  case strings([[UInt8]])
  case ints([Int32])
  case floats([Float])
}

/// A GGUF file to be written, version 3: what is wrong with it is found before anything is.
public struct GGUFWriter: Sendable {
  private static let alignment = 32
  private var header = Array("GGUF".utf8)
  private var tensors: [(output: TensorOutput, byteCount: Int)] = []

  /// - Throws: `.request` where a type or a name cannot be written.
  public init(_ metadata: [(key: String, value: GGUFEntry)], _ outputs: [TensorOutput]) throws(AviaryError) {
    guard Set(metadata.map(\.key)).count == metadata.count else { throw AviaryError(.request, "two values have one key", wanted: "keys that differ") }
    guard Set(outputs.map(\.name)).count == outputs.count else { throw AviaryError(.request, "two tensors have one name", wanted: "names that differ") }
    header.append(number: UInt32(3))
    header.append(number: UInt64(outputs.count))
    header.append(number: UInt64(metadata.count))
    for (key, value) in metadata {
      header.append(text: Array(key.utf8))
      header.append(entry: value)
    }
    var offset = 0
    for tensor in outputs {
      guard let type = GGUFType.number(tensor.dtype), 1...4 ~= tensor.shape.count, tensor.dtype.holdsRows(of: tensor.shape[-1]),
        let bytes = tensor.dtype.byteCount(elements: tensor.shape.elements), bytes > 0
      else {
        throw AviaryError(.request, "\(tensor.dtype) \(tensor.shape)", wanted: "one to four axes, with elements, rows of whole blocks", at: "tensor \(quoted(tensor.name))")
      }
      header.append(text: Array(tensor.name.utf8))
      header.append(number: UInt32(tensor.shape.count))
      for size in tensor.shape.dims.reversed() { header.append(number: UInt64(size)) }
      header.append(number: type)
      header.append(number: UInt64(offset))
      tensors.append((tensor, bytes))
      offset += Self.padded(bytes)
    }
    while header.count % Self.alignment != 0 { header.append(0) }
  }

  /// Writes the file beside its place and renames it, so that a partial one is never seen under its name. Tensors are
  /// made one after the other: never is more than a piece of one in memory.
  ///
  /// - Throws: `.file` where writing fails, what making a tensor throws.
  public func write(to path: String) throws(AviaryError) {
    let file = try AtomicFile(path: path)
    try header.span.withUnsafeBytes { (bytes) throws(AviaryError) in try file.write(bytes) }
    for (tensor, size) in tensors {
      try tensor.write(to: file, byteCount: size)
      let padding = [UInt8](repeating: 0, count: Self.padded(size) - size)
      try padding.span.withUnsafeBytes { (bytes) throws(AviaryError) in try file.write(bytes) }
    }
    try file.finish()
  }

  private static func padded(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }
}

extension [UInt8] {
  fileprivate mutating func append<T: FixedWidthInteger>(number: T) { Swift.withUnsafeBytes(of: number.littleEndian) { append(contentsOf: $0) } }

  fileprivate mutating func append(text: [UInt8]) {
    append(number: UInt64(text.count))
    append(contentsOf: text)
  }

  private mutating func append(type: GGUFValueType) { append(number: type.rawValue) }

  fileprivate mutating func append(entry: GGUFEntry) {
    switch entry {
    case .u32(let value):
      append(type: .u32)
      append(number: UInt32(clamping: value))
    case .i32(let value):
      append(type: .i32)
      append(number: Int32(clamping: value))
    case .float(let value):
      append(type: .f32)
      append(number: value.bitPattern)
    case .bool(let value):
      append(type: .bool)
      append(value ? 1 : 0)
    case .string(let text):
      append(type: .string)
      append(text: Array(text.utf8))
    case .strings(let texts):
      append(array: .string, texts.count)
      for text in texts { append(text: text) }
    case .ints(let numbers):
      append(array: .i32, numbers.count)
      for number in numbers { append(number: number) }
    case .floats(let numbers):
      append(array: .f32, numbers.count)
      for number in numbers { append(number: number.bitPattern) }
    }
  }

  private mutating func append(array type: GGUFValueType, _ count: Int) {
    append(type: .array)
    append(type: type)
    append(number: UInt64(count))
  }
}

import AviaryCore
import AviaryTensor

/// The part of a GGUF file in front of its tensors' bytes: metadata, and a row for each tensor. Every count is compared
/// with the bytes that are left before anything is made of it.
struct GGUFHeader {
  private(set) var values: [String: GGUFValue] = [:]
  /// Keys in the order of the file.
  private(set) var keys: [String] = []
  private(set) var tensors: [GGUFTensor] = []
  /// What tensors begin at multiples of.
  private(set) var alignment = 32
  /// Where the tensors' bytes begin in the file.
  private(set) var dataStart = 0

  private let pages: any Pages
  private let limits: Limits
  private var reader: ByteReader

  /// - Throws: `.format` for whatever breaks a rule of the format, `.limit`.
  init(_ pages: any Pages, limits: Limits) throws(AviaryError) {
    self.pages = pages
    self.limits = limits
    reader = ByteReader(pages.bytes)
    try readVersion()
    let tensorCount = try count("tensors", limit: limits.tensorsPerFile, least: 8 + 4 + 8 + 4 + 8)
    let valueCount = try count("metadata values", limit: limits.ggufValues, least: 8 + 1 + 4 + 1)
    for _ in 0..<valueCount { try readValue() }
    if let value = values["general.alignment"] { alignment = try checkedAlignment(value) }
    for _ in 0..<tensorCount { tensors.append(try readTensor()) }
    let (end, overflow) = reader.offset.addingReportingOverflow(alignment - 1)
    dataStart = overflow ? .max : end / alignment * alignment
    try checkTensors()
  }

  // MARK: Beginning

  private mutating func readVersion() throws(AviaryError) {
    guard let magic = reader.take(4), magic.elementsEqual("GGUF".utf8) else {
      throw AviaryError(.format, ForeignFile.describe(pages.bytes) ?? "the file does not begin with GGUF", wanted: "a GGUF file")
    }
    guard let version = reader.integer(UInt32.self) else { throw ended("the version") }
    if version != 0, version & 0xFFFF == 0 {
      throw AviaryError(.format, "the file is big-endian", wanted: "a little-endian GGUF file, as nearly all are")
    }
    guard version == 2 || version == 3 else { throw AviaryError(.format, "GGUF version \(version)", wanted: "2 or 3") }
  }

  /// - Parameter least: bytes that one of them takes at least.
  private mutating func count(_ what: String, limit: Int, least: Int) throws(AviaryError) -> Int {
    guard let number = reader.integer(UInt64.self) else { throw ended("the number of \(what)") }
    guard number <= UInt64(limit) else { throw AviaryError(.limit, "\(number) \(what)", wanted: "at most \(limit)") }
    guard Int(number) <= pages.bytes.count / least else {
      throw AviaryError(.format, "\(number) \(what) in a file of \(pages.bytes.count) bytes", wanted: "as many as fit")
    }
    return Int(number)
  }

  private func ended(_ what: String) -> AviaryError {
    AviaryError(.format, "the file ends within \(what)", wanted: "a whole file: it may have been cut off", at: "byte \(reader.offset)")
  }

  private mutating func string(_ what: String, limit: Int) throws(AviaryError) -> String {
    let start = reader.offset
    guard let length = reader.integer(UInt64.self) else { throw ended(what) }
    guard length <= UInt64(reader.remaining) else {
      throw AviaryError(.format, "\(what) has \(length) bytes and the file ends after \(reader.remaining)", at: "byte \(start)")
    }
    guard length <= UInt64(limit) else { throw AviaryError(.limit, "\(what) has \(length) bytes", wanted: "at most \(limit)", at: "byte \(start)") }
    guard let bytes = reader.take(Int(length)), let text = utf8Text(bytes) else {
      throw AviaryError(.format, "\(what) is not UTF-8 text", at: "byte \(start)")
    }
    return text
  }

  // MARK: Metadata

  private static let longestName = 1024

  private mutating func readValue() throws(AviaryError) {
    let key = try string("a key", limit: GGUFHeader.longestName)
    guard !key.isEmpty else { throw AviaryError(.format, "an empty key", at: "byte \(reader.offset)") }
    do throws(AviaryError) {
      let value = try value(try type())
      guard values.updateValue(value, forKey: key) == nil else { throw AviaryError(.format, "the key stands twice") }
    } catch { throw error.at("metadata \(quoted(key))") }
    keys.append(key)
  }

  private mutating func type() throws(AviaryError) -> GGUFValueType {
    guard let number = reader.integer(UInt32.self) else { throw ended("a value's type") }
    guard let type = GGUFValueType(rawValue: number) else { throw AviaryError(.format, "the value type \(number)", wanted: "0 to 12") }
    return type
  }

  private mutating func value(_ type: GGUFValueType) throws(AviaryError) -> GGUFValue {
    switch type {
    case .string: return .string(try string("a string", limit: limits.ggufStringBytes))
    case .array: return .array(try array())
    default:
      guard reader.remaining >= type.bytes else { throw ended("a value") }
      guard let value = reader.number(type) else { throw AviaryError(.format, "a boolean that is neither 0 nor 1") }
      return value
    }
  }

  private mutating func array() throws(AviaryError) -> GGUFArray {
    let type = try type()
    guard type != .array else { throw AviaryError(.format, "an array of arrays", wanted: "numbers, booleans or strings") }
    guard let count = reader.integer(UInt64.self) else { throw ended("an array's length") }
    guard count <= UInt64(reader.remaining / type.bytes) else {
      throw AviaryError(.format, "an array of \(count) elements and \(reader.remaining) bytes behind it", wanted: "as many as fit")
    }
    guard count <= UInt64(limits.ggufArrayElements) else {
      throw AviaryError(.limit, "an array of \(count) elements", wanted: "at most \(limits.ggufArrayElements)")
    }
    let start = reader.offset
    switch type {
    case .string: for _ in 0..<count { _ = try string("a string", limit: limits.ggufStringBytes) }
    case .bool: for _ in 0..<count { _ = try value(.bool) }
    default: _ = reader.take(Int(count) * type.bytes)
    }
    return GGUFArray(count: Int(count), type: type, pages: pages, range: start..<reader.offset)
  }

  private func checkedAlignment(_ value: GGUFValue) throws(AviaryError) -> Int {
    guard case .int(let number) = value, number > 0, number <= 1 << 20, number & (number - 1) == 0 else {
      let found = if case .int(let number) = value { "\(number)" } else { "no integer" }
      throw AviaryError(.format, found, wanted: "a power of two up to \(1 << 20)", at: "metadata \"general.alignment\"")
    }
    return number
  }

  // MARK: Tensors

  private mutating func readTensor() throws(AviaryError) -> GGUFTensor {
    let name = try string("a tensor's name", limit: GGUFHeader.longestName)
    let place = "tensor \(quoted(name))"
    guard let axes = reader.integer(UInt32.self) else { throw ended("a tensor's row").at(place) }
    guard 1...4 ~= axes else { throw AviaryError(.format, "\(axes) axes", wanted: "1 to 4", at: place) }
    var dims: [Int] = []
    for _ in 0..<axes {
      guard let size = reader.integer(UInt64.self) else { throw ended("a tensor's row").at(place) }
      guard 1...UInt64(Int32.max) ~= size else { throw AviaryError(.format, "an axis of \(size)", wanted: "1 to \(Int32.max)", at: place) }
      // The file lists the axis whose elements are neighbours first.
      dims.insert(Int(size), at: 0)
    }
    guard let number = reader.integer(UInt32.self), let offset = reader.integer(UInt64.self) else { throw ended("a tensor's row").at(place) }
    let dtype = try GGUFType.dtype(number, at: place)
    guard dtype.holdsRows(of: dims.last ?? 0) else {
      throw AviaryError(.format, "rows of \(dims.last ?? 0) elements of \(dtype)", wanted: "a multiple of \(dtype.blockElements)", at: place)
    }
    let (shape, bytes) = try checkedShape(dims, dtype, at: place)
    guard offset <= UInt64(Int.max - bytes) else { throw AviaryError(.format, "the offset \(offset)", wanted: "one within the file", at: place) }
    return GGUFTensor(name: name, shape: shape, dtype: dtype, range: Int(offset)..<Int(offset) + bytes)
  }

  /// Every tensor lies within the file, at a multiple of the alignment, and apart from the others.
  private func checkTensors() throws(AviaryError) {
    var names: Set<String> = []
    let room = pages.bytes.count - min(dataStart, pages.bytes.count)
    for tensor in tensors {
      let place = "tensor \(quoted(tensor.name))"
      guard names.insert(tensor.name).inserted else { throw AviaryError(.format, "the name stands twice", at: place) }
      guard tensor.range.lowerBound % alignment == 0 else {
        throw AviaryError(.format, "the offset \(tensor.range.lowerBound)", wanted: "a multiple of \(alignment)", at: place)
      }
      guard tensor.range.upperBound <= room else {
        throw AviaryError(
          .format, "bytes \(tensor.range.lowerBound)..<\(tensor.range.upperBound) of \(room)", wanted: "a whole file: it may have been cut off", at: place)
      }
    }
    let ordered = tensors.sorted { $0.range.lowerBound < $1.range.lowerBound }
    for (a, b) in zip(ordered, ordered.dropFirst()) where a.range.upperBound > b.range.lowerBound {
      throw AviaryError(.format, "its bytes overlap those of \(quoted(a.name))", at: "tensor \(quoted(b.name))")
    }
  }
}

/// One tensor's row.
struct GGUFTensor {
  let name: String
  let shape: Shape
  let dtype: DType
  /// Bytes, counted from the beginning of the tensors' data.
  let range: Range<Int>
}

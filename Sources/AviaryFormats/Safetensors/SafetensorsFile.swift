public import AviaryCore
public import AviaryTensor

/// A safetensors file: eight bytes of header length, a JSON header, then the tensors' bytes without gaps
/// (https://github.com/huggingface/safetensors#format). Everything is checked at opening; a tensor's bytes are then
/// views into the file.
public struct SafetensorsFile: WeightSource {
  public let names: [String]
  /// The file's `__metadata__`, such as `format: pt`.
  public let metadata: [String: String]
  private let tensors: [String: StoredTensor]
  private let pages: any Pages

  /// Maps and checks a file.
  public init(path: String, limits: Limits = .standard) throws(AviaryError) {
    try self.init(pages: MappedFile(path: path), limits: limits)
  }

  /// Checks a file that is in memory.
  ///
  /// - Throws: `.format` where the header breaks a rule or its rows do not tile the data exactly; `.limit`.
  public init(pages: any Pages, limits: Limits = .standard) throws(AviaryError) {
    let (header, dataStart) = try withExtendedLifetime(pages) { () throws(AviaryError) in
      try SafetensorsFile.header(pages.bytes, name: pages.name, limits: limits)
    }
    var metadata: [String: String] = [:]
    var rows: [SafetensorsRow] = []
    do throws(AviaryError) {
      for (name, value) in header.members {
        if name == "__metadata__" {
          metadata = try SafetensorsFile.metadata(value)
        } else {
          rows.append(try SafetensorsRow(name, value))
        }
      }
      guard rows.count <= limits.tensorsPerFile else {
        throw AviaryError(.limit, "\(rows.count) tensors", wanted: "at most \(limits.tensorsPerFile)")
      }
      try SafetensorsFile.checkTiling(rows, dataBytes: pages.bytes.count - dataStart)
    } catch {
      throw error.at(pages.name)
    }
    var tensors: [String: StoredTensor] = [:]
    tensors.reserveCapacity(rows.count)
    for row in rows {
      tensors[row.name] = StoredTensor(
        name: row.name, shape: row.shape, dtype: row.dtype, pages: pages, offset: dataStart + row.range.lowerBound)
    }
    self.names = rows.map(\.name)
    self.metadata = metadata
    self.tensors = tensors
    self.pages = pages
  }

  /// The tensor as a view into the file; a copy where the file has it at an address that its type forbids.
  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? { try tensors[name]?.aligned() }

  public var summary: String { "\(quoted(pages.name)), \(names.count) tensors" }

  /// The parsed header and the offset at which the data begin.
  private static func header(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: Limits
  ) throws(AviaryError) -> (JSONObject, dataStart: Int) {
    var reader = ByteReader(bytes)
    guard let length = reader.integer(UInt64.self) else {
      throw AviaryError(
        .format, "the file has \(bytes.count) bytes", wanted: "a safetensors file, which has at least 8", at: name)
    }
    guard length <= UInt64(max(limits.safetensorsHeaderBytes, 0)) else {
      if let found = ForeignFile.describe(bytes) {
        throw AviaryError(.format, found, wanted: "a safetensors file", at: name)
      }
      let hint = "at most \(limits.safetensorsHeaderBytes); perhaps it is no safetensors file"
      throw AviaryError(.limit, "a header of \(length) bytes", wanted: hint, at: name)
    }
    guard let text = reader.take(Int(length)) else {
      throw AviaryError(
        .format, "the file ends inside its header, after \(bytes.count - 8) bytes", wanted: "\(length)", at: name)
    }
    let document = try JSONParser.parse(text, name: "\(name), header", limits: limits)
    guard let header = document.object else {
      throw AviaryError(.format, "the header is \(document.kindDescription)", wanted: "an object", at: name)
    }
    return (header, reader.offset)
  }

  private static func metadata(_ value: JSONValue) throws(AviaryError) -> [String: String] {
    guard let object = value.object else {
      throw AviaryError(.format, "`__metadata__` is \(value.kindDescription)", wanted: "an object of strings")
    }
    var metadata: [String: String] = [:]
    for (key, value) in object.members {
      guard let text = value.string else {
        throw AviaryError(
          .format, "the key \(quoted(key)) is \(value.kindDescription)", wanted: "a string", at: "`__metadata__`")
      }
      metadata[key] = text
    }
    return metadata
  }

  /// Checks that the tensors follow each other from the start of the data to its end: no hole in which something could
  /// hide, no byte that belongs to two tensors.
  private static func checkTiling(_ rows: [SafetensorsRow], dataBytes: Int) throws(AviaryError) {
    let ordered = rows.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = 0
    for row in ordered {
      let start = row.range.lowerBound
      guard start == end else {
        let fault = start < end ? "overlap those of the tensor before" : "leave a hole of \(start - end) bytes"
        throw AviaryError(
          .format, "the data begin at \(start) and \(fault)", wanted: "a beginning at \(end)",
          at: "tensor \(quoted(row.name))")
      }
      end = row.range.upperBound
    }
    guard end == dataBytes else {
      let fault = end < dataBytes ? "bytes that belong to no tensor" : "fewer bytes than its tensors"
      throw AviaryError(.format, "the file has \(dataBytes) bytes of data, \(fault)", wanted: "\(end)")
    }
  }
}

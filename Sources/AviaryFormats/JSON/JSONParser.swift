public import AviaryCore
public import AviaryTensor

/// JSON (RFC 8259) over bounded bytes: strict, except that it takes what Python's writer produces where that is
/// harmless. Integers too big for `Int` become doubles (transformers writes `model_max_length` so), and half a surrogate
/// pair becomes U+FFFD. Refused: byte-order marks, duplicate keys, NaN, Infinity, numbers beyond a double, text after the
/// document, invalid UTF-8, and whatever is over `Limits`.
public enum JSONParser {
  /// - Parameters:
  ///   - name: what to call the document in an error, usually its file name.
  /// - Throws: `.format` with the line, byte offset and key path; `.limit`.
  public static func parse(
    _ bytes: [UInt8], name: String, limits: Limits = .standard
  ) throws(AviaryError) -> JSONValue {
    var reader = JSONReader(name: name, limits: limits)
    return try reader.document(bytes.span)
  }

  /// See `parse(_:name:limits:)`. The bytes are read during the call only.
  public static func parse(
    _ bytes: UnsafeRawBufferPointer, name: String, limits: Limits = .standard
  ) throws(AviaryError) -> JSONValue {
    var reader = JSONReader(name: name, limits: limits)
    return try bytes.withMemoryRebound(to: UInt8.self) { (bytes) throws(AviaryError) in
      try reader.document(bytes.span)
    }
  }

  /// Parses a file, whose size is checked before it is read.
  ///
  /// - Parameter maxBytes: the limit on its size; `limits.jsonBytes` by default, `limits.configBytes` suits configurations.
  public static func parse(
    file path: String, maxBytes: Int? = nil, limits: Limits = .standard
  ) throws(AviaryError) -> JSONValue {
    let file = try MappedFile(path: path)
    let limit = maxBytes ?? limits.jsonBytes
    guard file.bytes.count <= limit else {
      throw AviaryError(.limit, "the file has \(file.bytes.count) bytes", wanted: "at most \(limit)", at: file.name)
    }
    return try withExtendedLifetime(file) { () throws(AviaryError) in
      try parse(file.bytes, name: file.name, limits: limits)
    }
  }
}

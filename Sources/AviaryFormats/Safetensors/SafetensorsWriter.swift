public import AviaryCore
public import AviaryTensor

/// Writes tensors as a safetensors file.
public enum SafetensorsWriter {
  /// Writes the file beside its place and renames it, so that a partial one is never seen under its name.
  ///
  /// Wide types come first, as the reference writer has it, so that every tensor is aligned to its element size.
  ///
  /// - Throws: `.request` where two tensors have one name, or one is quantised; `.file` where writing fails.
  public static func write(
    _ tensors: [StoredTensor], metadata: [String: String] = [:], to path: String
  ) throws(AviaryError) {
    try write(outputs: tensors.map { TensorOutput($0) }, metadata: metadata, to: path)
  }

  /// Writes tensors that are made one after the other: never is more than a piece of one in memory.
  ///
  /// - Throws: as `write(_:metadata:to:)`; what making a tensor throws.
  public static func write(outputs: [TensorOutput], metadata: [String: String] = [:], to path: String) throws(AviaryError) {
    let ordered = outputs.sorted { ($1.dtype.blockBytes, $0.name) < ($0.dtype.blockBytes, $1.name) }
    let header = try header(ordered, metadata)
    let file = try AtomicFile(path: path)
    try header.span.withUnsafeBytes { (bytes) throws(AviaryError) in try file.write(bytes) }
    for tensor in ordered { try tensor.write(to: file, byteCount: try byteCount(tensor)) }
    try file.finish()
  }

  /// The length and the JSON header, padded with spaces so that the data begin at a multiple of eight.
  private static func header(_ tensors: [TensorOutput], _ metadata: [String: String]) throws(AviaryError) -> [UInt8] {
    var header = JSONObject()
    if !metadata.isEmpty {
      var object = JSONObject()
      for (key, text) in metadata.sorted(by: { $0.key < $1.key }) { object.append(key, .string(text)) }
      header.append("__metadata__", .object(object))
    }
    var offset = 0
    for tensor in tensors {
      var row = JSONObject()
      guard let type = SafetensorsType.name(tensor.dtype) else {
        throw AviaryError(.request, "tensor \(quoted(tensor.name)) is stored as \(tensor.dtype)", wanted: "a type that safetensors files have")
      }
      row.append("dtype", .string(type))
      row.append("shape", .array(tensor.shape.dims.map(JSONValue.int)))
      row.append("data_offsets", .array([.int(offset), .int(offset + (try byteCount(tensor)))]))
      guard tensor.name != "__metadata__", header.append(tensor.name, .object(row)) else {
        throw AviaryError(.request, "a second tensor is named \(quoted(tensor.name))", wanted: "names that differ")
      }
      offset += try byteCount(tensor)
    }
    var bytes = Array(JSONWriter.text(.object(header)).utf8)
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    return withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
  }

  private static func byteCount(_ tensor: TensorOutput) throws(AviaryError) -> Int {
    guard let bytes = tensor.dtype.byteCount(elements: tensor.shape.elements) else {
      throw AviaryError(.request, "\(tensor.dtype) \(tensor.shape)", wanted: "whole blocks", at: "tensor \(quoted(tensor.name))")
    }
    return bytes
  }
}

import AviaryCore
import AviaryTensor

/// The names under which safetensors files store the types that we read.
enum SafetensorsType {
  static func dtype(_ name: String) -> DType? {
    DType.allCases.first { SafetensorsType.name($0) == name }
  }

  /// nil for types that the format does not have.
  static func name(_ dtype: DType) -> String? {
    switch dtype {
    case .f64: "F64"
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .i64: "I64"
    case .i32: "I32"
    case .i16: "I16"
    case .i8: "I8"
    case .u8: "U8"
    case .bool: "BOOL"
    case .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k, .iq4_nl, .iq4_xs: nil
    }
  }
}

/// One tensor's row of a header, checked by itself; that the rows tile the data is checked by `SafetensorsFile`.
struct SafetensorsRow {
  let name: String
  let shape: Shape
  let dtype: DType
  /// Byte range, counted from the end of the header.
  let range: Range<Int>

  init(_ name: String, _ value: JSONValue) throws(AviaryError) {
    let place = "tensor \(quoted(name))"
    guard let object = value.object else {
      throw AviaryError(.format, "the entry is \(value.kindDescription)", wanted: "an object", at: place)
    }
    for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
      throw AviaryError(
        .format, "unknown key \(quoted(key))", wanted: "`dtype`, `shape` and `data_offsets` only", at: place)
    }
    guard let typeName = object["dtype"]?.string else {
      throw SafetensorsRow.missing("dtype", object, wanted: "the name of a type", place)
    }
    guard let dtype = SafetensorsType.dtype(typeName) else {
      let known = DType.allCases.compactMap(SafetensorsType.name).joined(separator: " ")
      throw AviaryError(
        .format, "the data type \(quoted(typeName)) is not supported", wanted: "one of \(known)", at: place)
    }
    guard let dims = SafetensorsRow.integers(object["shape"]) else {
      throw SafetensorsRow.missing("shape", object, wanted: "an array of sizes from 0", place)
    }
    guard let offsets = SafetensorsRow.integers(object["data_offsets"]), offsets.count == 2 else {
      throw SafetensorsRow.missing("data_offsets", object, wanted: "two offsets from 0", place)
    }
    guard offsets[0] <= offsets[1] else {
      throw AviaryError(.format, "the data begin at \(offsets[0]) and end at \(offsets[1])", at: place)
    }
    let (shape, byteCount) = try checkedShape(dims, dtype, at: place)
    guard offsets[1] - offsets[0] == byteCount else {
      throw AviaryError(
        .format, "the data have \(offsets[1] - offsets[0]) bytes", wanted: "\(byteCount) for \(dtype) \(shape)",
        at: place)
    }
    self.name = name
    self.shape = shape
    self.dtype = dtype
    range = offsets[0]..<offsets[1]
  }

  private static func missing(
    _ key: String, _ object: JSONObject, wanted: String, _ place: String
  ) -> AviaryError {
    let found = object[key].map { "`\(key)` is \($0.kindDescription)" } ?? "there is no `\(key)`"
    return AviaryError(.format, found, wanted: wanted, at: place)
  }

  /// The elements of an array of integers from 0; nil for anything else, 2.0 among it.
  private static func integers(_ value: JSONValue?) -> [Int]? {
    guard let array = value?.array else { return nil }
    var integers: [Int] = []
    for element in array {
      guard case .int(let integer) = element, integer >= 0 else { return nil }
      integers.append(integer)
    }
    return integers
  }
}

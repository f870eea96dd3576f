import AviaryCore
import AviaryTensor

/// The types of metadata values by their numbers.
enum GGUFValueType: UInt32 {
  case u8, i8, u16, i16, u32, i32, f32, bool, string, array, u64, i64, f64

  /// The fewest bytes that one value takes.
  var bytes: Int {
    switch self {
    case .u8, .i8, .bool: 1
    case .u16, .i16: 2
    case .u32, .i32, .f32: 4
    case .u64, .i64, .f64, .string: 8
    case .array: 12
    }
  }
}

/// One value of a file's metadata.
enum GGUFValue {
  case int(Int)
  /// More than an Int holds.
  case large(UInt64)
  case float(Double)
  case bool(Bool)
  case string(String)
  case array(GGUFArray)

  /// As a configuration file would have it; nil for long arrays.
  var json: JSONValue? {
    switch self {
    case .int(let value): .int(value)
    case .large(let value): .double(Double(value))
    case .float(let value): .double(value)
    case .bool(let value): .bool(value)
    case .string(let value): .string(value)
    case .array(let array): array.count <= GGUFArray.longestJSON ? .array(array.json) : nil
    }
  }
}

/// An array of a file's metadata: where its bytes are. It has been checked: elements lie within the file, strings are
/// UTF-8, booleans are 0 or 1.
public struct GGUFArray: Sendable {
  public let count: Int
  let type: GGUFValueType
  let pages: any Pages
  /// The elements' bytes in `pages`.
  let range: Range<Int>

  /// Arrays up to this length are configuration, longer ones data.
  static let longestJSON = 4096

  /// The elements' bytes, or nil where they are no strings.
  public func strings() -> [[UInt8]]? {
    guard type == .string else { return nil }
    return withExtendedLifetime(pages) {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: pages.bytes[range]))
      var texts: [[UInt8]] = []
      texts.reserveCapacity(count)
      for _ in 0..<count {
        guard let length = reader.integer(UInt64.self), let bytes = reader.take(Int(clamping: length)) else { break }
        texts.append(Array(bytes))
      }
      return texts
    }
  }

  /// The elements as integers, or nil where they are no integers or do not fit.
  public func integers() -> [Int]? {
    var result: [Int] = []
    result.reserveCapacity(count)
    for value in values {
      guard case .int(let number) = value else { return nil }
      result.append(number)
    }
    return type == .string ? nil : result
  }

  /// The elements as floats, or nil where they are no numbers.
  public func floats() -> [Float]? {
    var result: [Float] = []
    result.reserveCapacity(count)
    for value in values {
      switch value {
      case .int(let number): result.append(Float(number))
      case .large(let number): result.append(Float(number))
      case .float(let number): result.append(Float(number))
      default: return nil
      }
    }
    return type == .string ? nil : result
  }

  var json: [JSONValue] {
    if let texts = strings() { return texts.map { .string(String(decoding: $0, as: UTF8.self)) } }
    return values.compactMap(\.json)
  }

  /// The elements where each has a fixed size.
  private var values: [GGUFValue] {
    if type == .string { return [] }
    return withExtendedLifetime(pages) {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: pages.bytes[range]))
      return (0..<count).compactMap { _ in reader.number(type) }
    }
  }
}

extension ByteReader {
  /// A number or boolean; nil at the end, for a boolean that is neither 0 nor 1, and for types without a fixed size.
  mutating func number(_ type: GGUFValueType) -> GGUFValue? {
    switch type {
    case .u8: integer(UInt8.self).map { .int(Int($0)) }
    case .i8: integer(Int8.self).map { .int(Int($0)) }
    case .u16: integer(UInt16.self).map { .int(Int($0)) }
    case .i16: integer(Int16.self).map { .int(Int($0)) }
    case .u32: integer(UInt32.self).map { .int(Int($0)) }
    case .i32: integer(Int32.self).map { .int(Int($0)) }
    case .u64: integer(UInt64.self).map { value in Int(exactly: value).map { .int($0) } ?? .large(value) }
    case .i64: integer(Int64.self).map { .int(Int($0)) }
    case .f32: integer(UInt32.self).map { .float(Double(Float(bitPattern: $0))) }
    case .f64: integer(UInt64.self).map { .float(Double(bitPattern: $0)) }
    case .bool: integer(UInt8.self).flatMap { $0 < 2 ? .bool($0 == 1) : nil }
    case .string, .array: nil
    }
  }
}

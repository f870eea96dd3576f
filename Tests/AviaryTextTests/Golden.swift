import AviaryCore
import AviaryTensor
import Foundation

/// The golden folder, where it is: see golden/README.md.
enum Golden {
  static let root: URL = {
    if let path = ProcessInfo.processInfo.environment["AVIARY_GOLDEN"] { return URL(fileURLWithPath: path) }
    let package = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return package.deletingLastPathComponent().appendingPathComponent("shared/golden")
  }()

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  static var isThere: Bool { exists("tokenizers") }

  static func data(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: root.appendingPathComponent(path)))
  }

  static func json(_ path: String) throws -> JSONValue { try TestJSON.parse(data(path)) }

  /// A file that may be missing.
  static func jsonIfThere(_ path: String) throws -> JSONValue? { exists(path) ? try json(path) : nil }

  static func lines(_ path: String) throws -> [JSONValue] {
    try data(path).split(separator: 0x0a).map { try TestJSON.parse(Array($0)) }
  }

  /// The folders of cases whose name begins with one of these.
  static func cases(_ prefixes: String...) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.filter { name in prefixes.contains { name.hasPrefix($0) } }.sorted()
  }

  /// An array of integers of a safetensors file.
  static func integers(_ name: String, in path: String) throws -> [Int32] {
    let bytes = try data(path)
    let length = bytes[0..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try TestJSON.parse(Array(bytes[8..<8 + length]))
    guard let entry = header[name], let span = entry["data_offsets"]?.array?.compactMap(\.int), span.count == 2 else {
      throw AviaryError(.file, "no tensor \(name)", at: path)
    }
    let width = entry["dtype"]?.string == "I64" ? 8 : 4
    return stride(from: 8 + length + span[0], to: 8 + length + span[1], by: width).map { start in
      let value = bytes[start..<start + width].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      return Int32(truncatingIfNeeded: value)
    }
  }
}

/// A reader of well-formed JSON for tests. Foundation's would do, but its dictionaries take canonically equivalent
/// keys for one.
struct TestJSON {
  private let bytes: [UInt8]
  private var i = 0

  static func parse(_ bytes: [UInt8]) throws -> JSONValue {
    var parser = TestJSON(bytes: bytes)
    return try parser.value()
  }

  static func parse(_ text: String) throws -> JSONValue { try parse(Array(text.utf8)) }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func peek() throws -> UInt8 {
    while i < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[i]) { i += 1 }
    guard i < bytes.count else { throw AviaryError(.format, "JSON ends early") }
    return bytes[i]
  }

  private mutating func value() throws -> JSONValue {
    switch try peek() {
    case UInt8(ascii: "{"):
      var object = JSONObject()
      i += 1
      while try peek() != UInt8(ascii: "}") {
        if try peek() == UInt8(ascii: ",") { i += 1 }
        _ = try peek()
        let key = try string()
        _ = try peek()
        i += 1
        object.append(key, try value())
      }
      i += 1
      return .object(object)
    case UInt8(ascii: "["):
      var array: [JSONValue] = []
      i += 1
      while try peek() != UInt8(ascii: "]") {
        if try peek() == UInt8(ascii: ",") { i += 1 }
        array.append(try value())
      }
      i += 1
      return .array(array)
    case UInt8(ascii: "\""): return .string(try string())
    default:
      let start = i
      while i < bytes.count, ![0x2c, 0x5d, 0x7d, 0x0a, 0x20].contains(bytes[i]) { i += 1 }
      let word = String(decoding: bytes[start..<i], as: UTF8.self)
      switch word {
      case "true": return .bool(true)
      case "false": return .bool(false)
      case "null": return .null
      default:
        if let int = Int(word) { return .int(int) }
        guard let double = Double(word) else { throw AviaryError(.format, "no JSON: \(word)") }
        return .double(double)
      }
    }
  }

  private mutating func string() throws -> String {
    var units: [UInt8] = []
    i += 1
    while bytes[i] != UInt8(ascii: "\"") {
      guard bytes[i] == UInt8(ascii: "\\") else {
        units.append(bytes[i])
        i += 1
        continue
      }
      i += 2
      switch bytes[i - 1] {
      case UInt8(ascii: "n"): units.append(0x0a)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "r"): units.append(0x0d)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0c)
      case UInt8(ascii: "u"):
        var code = hex()
        if 0xd800..<0xdc00 ~= code, bytes[i] == UInt8(ascii: "\\"), bytes[i + 1] == UInt8(ascii: "u") {
          i += 2
          code = 0x10000 + (code - 0xd800) << 10 + (hex() - 0xdc00)
        }
        units.append(contentsOf: String(Character(Unicode.Scalar(code) ?? "\u{fffd}")).utf8)
      default: units.append(bytes[i - 1])
      }
    }
    i += 1
    return String(decoding: units, as: UTF8.self)
  }

  private mutating func hex() -> UInt32 {
    defer { i += 4 }
    return UInt32(String(decoding: bytes[i..<i + 4], as: UTF8.self), radix: 16) ?? 0
  }
}

/// A parsed JSON document. Objects keep the order of the file. The parser stands in AviaryFormats, so that modules
/// that only read values (tokenizers, templates, configurations) need no file code.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public subscript(key: String) -> JSONValue? {
    if case .object(let object) = self { object[key] } else { nil }
  }

  public var string: String? { if case .string(let s) = self { s } else { nil } }
  public var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
  public var array: [JSONValue]? { if case .array(let a) = self { a } else { nil } }
  public var object: JSONObject? { if case .object(let o) = self { o } else { nil } }
  public var int: Int? {
    switch self {
    case .int(let i): i
    case .double(let d): Int(exactly: d)
    default: nil
    }
  }
  public var double: Double? {
    switch self {
    case .int(let i): Double(i)
    case .double(let d): d
    default: nil
    }
  }

  /// What the value is, for error messages: "a string", "the number 3".
  public var kindDescription: String {
    switch self {
    case .null: "null"
    case .bool(let b): "\(b)"
    case .int(let i): "the number \(i)"
    case .double(let d): "the number \(d)"
    case .string(let s): s.utf8.count <= 40 ? "the string \(s.debugDescription)" : "a string of \(s.utf8.count) bytes"
    case .array(let a): "an array of \(a.count)"
    case .object(let o): "an object of \(o.count) keys"
    }
  }
}

/// The members of a JSON object in the order of the file, with constant-time look-up. Keys are compared by their bytes.
public struct JSONObject: Sendable, Hashable {
  public private(set) var members: [(key: String, value: JSONValue)]
  private var positions: [Key: Int]

  /// A key by its bytes. Swift's strings are equal where they are canonically equivalent; JSON's are not, and
  /// vocabularies have both forms of one letter.
  private struct Key: Hashable {
    let text: String
    static func == (a: Key, b: Key) -> Bool { a.text.utf8.elementsEqual(b.text.utf8) }
    func hash(into hasher: inout Hasher) {
      var text = text
      text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
  }

  public init() {
    members = []
    positions = [:]
  }

  /// An object of these members; of two with one key the first counts.
  public init(_ members: [(String, JSONValue)]) {
    self.init()
    for (key, value) in members { append(key, value) }
  }

  /// Adds a member; false where the key is there already (the parser then reports a duplicate).
  @discardableResult
  public mutating func append(_ key: String, _ value: JSONValue) -> Bool {
    guard positions[Key(text: key)] == nil else { return false }
    positions[Key(text: key)] = members.count
    members.append((key, value))
    return true
  }

  public mutating func reserveCapacity(_ n: Int) {
    members.reserveCapacity(n)
    positions.reserveCapacity(n)
  }

  public subscript(key: String) -> JSONValue? { positions[Key(text: key)].map { members[$0].value } }
  public var keys: [String] { members.map(\.key) }
  public var count: Int { members.count }

  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.count == b.count && zip(a.members, b.members).allSatisfy { $0.key == $1.key && $0.value == $1.value }
  }

  public func hash(into hasher: inout Hasher) {
    for (key, value) in members {
      hasher.combine(key)
      hasher.combine(value)
    }
  }
}

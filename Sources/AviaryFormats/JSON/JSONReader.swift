import AviaryCore
import AviaryTensor

/// The state of one parse. Spans check every index, so even a mistake here cannot read outside of the document.
struct JSONReader {
  /// The way to the value at hand, for error messages.
  enum Step {
    case key(String)
    case index(Int)
  }

  let name: String
  let limits: Limits
  /// The next byte.
  var i = 0
  /// One step for each open object or array below the root.
  var path: [Step] = []
  private var values = 0

  init(name: String, limits: Limits) {
    self.name = name
    self.limits = limits
  }

  mutating func document(_ s: Span<UInt8>) throws(AviaryError) -> JSONValue {
    if s.count >= 3, s[0] == 0xEF, s[1] == 0xBB, s[2] == 0xBF {
      throw error(.format, "the text begins with a byte-order mark", wanted: "plain UTF-8", at: 0, s)
    }
    skipSpace(s)
    let root = try value(s, depth: 0)
    skipSpace(s)
    guard i == s.count else { throw error(.format, "\(character(s)) after the end of the document", at: i, s) }
    return root
  }

  private mutating func value(_ s: Span<UInt8>, depth: Int) throws(AviaryError) -> JSONValue {
    values += 1
    guard values <= limits.jsonValues else {
      throw error(.limit, "the document has too many values", wanted: "at most \(limits.jsonValues)", at: i, s)
    }
    guard i < s.count else { throw error(.format, "the document ends where a value is wanted", at: i, s) }
    switch s[i] {
    case UInt8(ascii: "\""): return .string(try string(s))
    case UInt8(ascii: "{"):
      try checkDepth(depth, s)
      return .object(try object(s, depth: depth + 1))
    case UInt8(ascii: "["):
      try checkDepth(depth, s)
      return .array(try array(s, depth: depth + 1))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number(s)
    case UInt8(ascii: "t"): return try literal("true", .bool(true), s)
    case UInt8(ascii: "f"): return try literal("false", .bool(false), s)
    case UInt8(ascii: "n"): return try literal("null", .null, s)
    case UInt8(ascii: "N"), UInt8(ascii: "I"):
      throw error(.format, "NaN and Infinity are not JSON", wanted: "a finite number", at: i, s)
    default: throw error(.format, "unexpected \(character(s))", wanted: "a value", at: i, s)
    }
  }

  private func checkDepth(_ depth: Int, _ s: Span<UInt8>) throws(AviaryError) {
    guard depth < limits.jsonDepth else {
      throw error(.limit, "values are nested too deeply", wanted: "at most \(limits.jsonDepth) levels", at: i, s)
    }
  }

  private mutating func object(_ s: Span<UInt8>, depth: Int) throws(AviaryError) -> JSONObject {
    var object = JSONObject()
    i += 1
    skipSpace(s)
    if i < s.count, s[i] == UInt8(ascii: "}") {
      i += 1
      return object
    }
    while true {
      guard i < s.count, s[i] == UInt8(ascii: "\"") else {
        throw error(.format, "unexpected \(character(s))", wanted: "a key in double quotes", at: i, s)
      }
      let keyOffset = i
      let key = try string(s)
      skipSpace(s)
      guard i < s.count, s[i] == UInt8(ascii: ":") else {
        throw error(.format, "unexpected \(character(s)) after the key \(quoted(key))", wanted: "a colon", at: i, s)
      }
      i += 1
      skipSpace(s)
      path.append(.key(key))
      let member = try value(s, depth: depth)
      guard object.append(key, member) else {
        throw error(.format, "the key \(quoted(key)) is there twice", wanted: "each key once", at: keyOffset, s)
      }
      path.removeLast()
      if try closes(UInt8(ascii: "}"), s) { return object }
    }
  }

  private mutating func array(_ s: Span<UInt8>, depth: Int) throws(AviaryError) -> [JSONValue] {
    var elements: [JSONValue] = []
    i += 1
    skipSpace(s)
    if i < s.count, s[i] == UInt8(ascii: "]") {
      i += 1
      return elements
    }
    while true {
      path.append(.index(elements.count))
      elements.append(try value(s, depth: depth))
      path.removeLast()
      if try closes(UInt8(ascii: "]"), s) { return elements }
    }
  }

  /// Reads what follows an element: true for the closing bracket, false for a comma.
  private mutating func closes(_ bracket: UInt8, _ s: Span<UInt8>) throws(AviaryError) -> Bool {
    skipSpace(s)
    guard i < s.count, s[i] == bracket || s[i] == UInt8(ascii: ",") else {
      let mark = String(UnicodeScalar(bracket))
      throw error(.format, "unexpected \(character(s))", wanted: "a comma or `\(mark)`", at: i, s)
    }
    let closed = s[i] == bracket
    i += 1
    if !closed { skipSpace(s) }
    return closed
  }

  private mutating func literal(
    _ text: StaticString, _ value: JSONValue, _ s: Span<UInt8>
  ) throws(AviaryError) -> JSONValue {
    let length = text.utf8CodeUnitCount
    var matches = i + length <= s.count
    for k in 0..<length where matches { matches = s[i + k] == text.utf8Start[k] }
    guard matches else { throw error(.format, "an unknown word", wanted: "`\(text)`", at: i, s) }
    i += length
    return value
  }

  mutating func skipSpace(_ s: Span<UInt8>) {
    while i < s.count {
      switch s[i] {
      case 0x20, 0x0A, 0x0D, 0x09: i += 1
      default: return
      }
    }
  }
}

// MARK: - Errors

extension JSONReader {
  /// An error with the line, the byte offset and the key path.
  func error(
    _ kind: AviaryError.Kind, _ found: String, wanted: String = "", at offset: Int, _ s: Span<UInt8>
  ) -> AviaryError {
    var line = 1
    for k in 0..<min(offset, s.count) where s[k] == 0x0A { line += 1 }
    let keys = keyPath
    let place = "\(name), line \(line), byte \(offset)" + (keys.isEmpty ? "" : ", at \(quoted(keys))")
    return AviaryError(kind, found, wanted: wanted, at: place)
  }

  private var keyPath: String {
    path.reduce(into: "") { text, step in
      switch step {
      case .key(let key): text += text.isEmpty ? key : ".\(key)"
      case .index(let index): text += "[\(index)]"
      }
    }
  }

  /// The next character as an error names it.
  func character(_ s: Span<UInt8>) -> String {
    guard i < s.count else { return "end of the document" }
    let byte = s[i]
    if byte > 0x20, byte < 0x7F { return "`\(UnicodeScalar(byte))`" }
    return byte == 0x20 ? "space" : "byte 0x" + String(byte, radix: 16, uppercase: true)
  }
}

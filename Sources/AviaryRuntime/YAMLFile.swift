import AviaryCore
import AviaryTensor
import Yams

/// YAML as JSON values, bounded: the parser is Yams; aliases are refused, since a few lines of them make a document of
/// any size.
enum YAMLFile {
  static func parse(_ text: String, name: String, limits: Limits = .standard) throws(AviaryError) -> JSONValue {
    guard let root = try node(text, name: name, limits: limits) else { return .object(JSONObject()) }
    var depth = 0
    return try value(root, &depth, name, limits)
  }

  private static func node(_ text: String, name: String, limits: Limits) throws(AviaryError) -> Yams.Node? {
    guard text.utf8.count <= limits.configBytes else {
      throw AviaryError(.limit, "a file of \(text.utf8.count) bytes", wanted: "at most \(limits.configBytes)", at: name)
    }
    // Yams puts an alias's whole content in its place, and compares keys by their content: refused before it starts.
    guard !definesWhatItRepeats(text) else { throw alias(name) }
    do {
      return try Parser(yaml: text).singleRoot()
    } catch let error as YamlError {
      throw AviaryError(.format, "not YAML\(place(of: error))", wanted: "a YAML mapping", at: name)
    } catch {
      throw AviaryError(.format, "not YAML", wanted: "a YAML mapping", at: name)
    }
  }

  /// Top-level keys with their scalar words as they are written (`seed: 18446744073709551615`, a model called `1e5`); a
  /// sequence of scalars gives several.
  static func mapping(_ text: String, name: String, limits: Limits = .standard) throws(AviaryError) -> [(String, [String])] {
    guard let root = try node(text, name: name, limits: limits) else { return [] }
    var depth = 0
    guard case .object = try value(root, &depth, name, limits), case .mapping(let members) = root else {
      throw AviaryError(.config, "not a mapping", wanted: "lines of `key: value`", at: name)
    }
    var pairs: [(String, [String])] = []
    for (keyNode, value) in members {
      let key = keyNode.string ?? ""
      var words: [String] = []
      var isNull = false
      for item in value.sequence.map(Array.init) ?? [value] {
        guard case .scalar(let scalar) = item else {
          throw AviaryError(.config, "a list or mapping", wanted: "a word or a number", at: "\(name): \(key)")
        }
        if Self.value(of: scalar) == .null { isNull = true } else { words.append(scalar.string) }
      }
      if !(isNull && words.isEmpty) { pairs.append((key, words)) }
    }
    return pairs
  }

  private static func alias(_ name: String) -> AviaryError {
    AviaryError(.format, "an alias", wanted: "a file without `*name` for what `&name` stands for", at: name)
  }

  /// Whether some name stands behind a `&` and behind a `*`, wherever that is.
  private static func definesWhatItRepeats(_ text: String) -> Bool {
    var names: [UInt8: Set<String>] = [:]
    var name: (sign: UInt8, bytes: [UInt8])?
    func keep() {
      if let name, !name.bytes.isEmpty { names[name.sign, default: []].insert(String(decoding: name.bytes, as: UTF8.self)) }
    }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "&"), UInt8(ascii: "*"):
        keep()
        name = (byte, [])
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
        name?.bytes.append(byte)
      default:
        keep()
        name = nil
      }
    }
    keep()
    return !names[UInt8(ascii: "&"), default: []].isDisjoint(with: names[UInt8(ascii: "*"), default: []])
  }

  private static func place(of error: YamlError) -> String {
    switch error {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): " (line \(mark.line))"
    default: ""
    }
  }

  private static func value(_ node: Yams.Node, _ depth: inout Int, _ name: String, _ limits: Limits) throws(AviaryError) -> JSONValue {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.jsonDepth else { throw AviaryError(.limit, "nested deeper than \(limits.jsonDepth)", at: name) }
    switch node {
    case .mapping(let mapping):
      var object = JSONObject()
      for (key, child) in mapping {
        guard let text = key.string else { throw AviaryError(.format, "a key that is no word", wanted: "words as keys", at: name) }
        guard object.append(text, try value(child, &depth, name, limits)) else {
          throw AviaryError(.format, "key \(text) stands twice", wanted: "each key once", at: name)
        }
      }
      return .object(object)
    case .sequence(let items):
      var array: [JSONValue] = []
      for item in items { array.append(try value(item, &depth, name, limits)) }
      return .array(array)
    case .scalar(let scalar): return Self.value(of: scalar)
    case .alias: throw alias(name)
    }
  }

  private static func value(of scalar: Yams.Node.Scalar) -> JSONValue {
    let isPlain = scalar.style == .plain || scalar.style == .any
    guard isPlain else { return .string(scalar.string) }
    if ["null", "~", ""].contains(scalar.string) { return .null }
    if ["true", "false"].contains(scalar.string) { return .bool(scalar.string == "true") }
    if let int = Int(scalar.string) { return .int(int) }
    if let double = Double(scalar.string), double.isFinite { return .double(double) }
    return .string(scalar.string)
  }
}

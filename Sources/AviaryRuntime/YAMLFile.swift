import AviaryCore
import AviaryTensor
import Yams

/// YAML as JSON values, bounded: the parser is Yams; anchors and aliases are refused, since a few lines of them make a
/// document of any size.
enum YAMLFile {
  static func parse(_ text: String, name: String, limits: Limits = .standard) throws(AviaryError) -> JSONValue {
    guard text.utf8.count <= limits.configBytes else {
      throw AviaryError(.limit, "a file of \(text.utf8.count) bytes", wanted: "at most \(limits.configBytes)", at: name)
    }
    var depth = 0
    var root: Yams.Node?
    do {
      let parser = try Parser(yaml: text)
      root = try parser.singleRoot()
    } catch let error as YamlError {
      throw AviaryError(.format, "not YAML\(place(of: error))", wanted: "a YAML mapping", at: name)
    } catch {
      throw AviaryError(.format, "not YAML", wanted: "a YAML mapping", at: name)
    }
    guard let root else { return .object(JSONObject()) }
    return try value(root, &depth, name, limits)
  }

  /// Top-level keys with their scalar words; a sequence of scalars gives several.
  static func mapping(_ text: String, name: String) throws(AviaryError) -> [(String, [String])] {
    guard case .object(let object) = try parse(text, name: name) else {
      throw AviaryError(.config, "not a mapping", wanted: "lines of `key: value`", at: name)
    }
    var pairs: [(String, [String])] = []
    for (key, value) in object.members where value != .null {
      var words: [String] = []
      for item in value.array ?? [value] {
        switch item {
        case .string(let s): words.append(s)
        case .int(let i): words.append("\(i)")
        case .double(let d): words.append("\(d)")
        case .bool(let b): words.append("\(b)")
        default: throw AviaryError(.config, item.kindDescription, wanted: "a word or a number", at: "\(name): \(key)")
        }
      }
      pairs.append((key, words))
    }
    return pairs
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
    case .scalar(let scalar):
      let isPlain = scalar.style == .plain || scalar.style == .any
      guard isPlain else { return .string(scalar.string) }
      if ["null", "~", ""].contains(scalar.string) { return .null }
      if ["true", "false"].contains(scalar.string) { return .bool(scalar.string == "true") }
      if let int = Int(scalar.string) { return .int(int) }
      if let double = Double(scalar.string), double.isFinite { return .double(double) }
      return .string(scalar.string)
    case .alias: throw AviaryError(.format, "an alias", wanted: "a file without anchors and aliases", at: name)
    }
  }
}

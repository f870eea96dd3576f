public import AviaryCore

/// JSON text of a value: valid UTF-8, control characters escaped, members in their order.
public enum JSONWriter {
  /// - Parameter pretty: one member to a line, indented by two spaces; else compact.
  ///
  /// Numbers that are not finite have no JSON form and become `null`.
  public static func text(_ value: JSONValue, pretty: Bool = false) -> String {
    var text = ""
    write(value, pretty ? 0 : nil, into: &text)
    return text
  }

  /// - Parameter level: the depth of indentation; nil for compact text.
  private static func write(_ value: JSONValue, _ level: Int?, into text: inout String) {
    switch value {
    case .null: text += "null"
    case .bool(let bool): text += bool ? "true" : "false"
    case .int(let int): text += String(int)
    case .double(let double): text += double.isFinite ? double.description : "null"
    case .string(let string): write(string, into: &text)
    case .array(let elements):
      list("[", "]", elements, level, into: &text) { write($0, $1, into: &$2) }
    case .object(let object):
      list("{", "}", object.members, level, into: &text) { member, level, text in
        write(member.key, into: &text)
        text += level == nil ? ":" : ": "
        write(member.value, level, into: &text)
      }
    }
  }

  private static func list<Item>(
    _ opening: String, _ closing: String, _ items: [Item], _ level: Int?, into text: inout String,
    item write: (Item, Int?, inout String) -> Void
  ) {
    let inner = level.map { $0 + 1 }
    text += opening
    for (index, item) in items.enumerated() {
      if index > 0 { text += "," }
      breakLine(inner, into: &text)
      write(item, inner, &text)
    }
    if !items.isEmpty { breakLine(level, into: &text) }
    text += closing
  }

  private static func breakLine(_ level: Int?, into text: inout String) {
    guard let level else { return }
    text += "\n" + String(repeating: "  ", count: level)
  }

  private static func write(_ string: String, into text: inout String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case "\u{0}"..."\u{1F}", "\u{7F}":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}

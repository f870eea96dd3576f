import AviaryTensor

/// The text of values: printed, as Python's `repr`, and as JSON.
extension Interpreter {
  /// What `{{ value }}` prints.
  func text(of value: TemplateValue) throws(AviaryError) -> MarkedString {
    if case .string(let text) = value { return text }
    if case .undefined(.alternative) = value { return MarkedString() }
    var result = MarkedString()
    try write(value, as: .python, into: &result)
    return result
  }

  /// How lists and mappings are written.
  enum Notation {
    case python
    case json(JSONStyle)
  }

  struct JSONStyle {
    /// What one level is indented by; nil for one line.
    var indent: MarkedString?
    var itemSeparator: MarkedString
    var keySeparator: MarkedString
    var sortsKeys = false
    var asciiOnly = false
  }

  func write(_ value: TemplateValue, as notation: Notation, into out: inout MarkedString, level: Int = 0)
    throws(AviaryError)
  {
    try spend()
    try admit(0, to: out.count)
    switch value {
    case .undefined(let missing): throw AviaryError(.config, missing.description, wanted: "a value to print")
    case .none: out.append(notation.isJSON ? "null" : "None")
    case .bool(let value): out.append(notation.isJSON ? (value ? "true" : "false") : (value ? "True" : "False"))
    case .number(let number): out.append(MarkedString(notation.spelling(number), trusted: number.trusted))
    case .string(let text):
      try admit(text.count, times: 6, to: out.count)
      switch notation {
      case .python: out.append(pythonLiteral(text))
      case .json(let style): out.append(jsonLiteral(text, asciiOnly: style.asciiOnly))
      }
    case .list(let list): try write(list, as: notation, into: &out, level: level)
    case .dict(let dict): try write(dict, as: notation, into: &out, level: level)
    case .opaque(let opaque): throw AviaryError(.config, "\(opaque.description) is printed", wanted: "text or numbers")
    }
  }

  private func write(_ list: TemplateList, as notation: Notation, into out: inout MarkedString, level: Int)
    throws(AviaryError)
  {
    guard list.kind != .iterator || notation.isJSON else {
      throw AviaryError(
        .config, "what a filter such as `map` or `select` gives is printed", wanted: "`| list` behind it")
    }
    let isTuple = list.kind == .tuple && !notation.isJSON
    out.append(isTuple ? "(" : "[")
    for (index, item) in list.items.enumerated() {
      try separate(index == 0, notation, into: &out, level: level + 1)
      try write(item, as: notation, into: &out, level: level + 1)
    }
    if isTuple, list.items.count == 1 { out.append(",") }
    try close(list.items.isEmpty, notation, into: &out, level: level)
    out.append(isTuple ? ")" : "]")
  }

  private func write(_ dict: TemplateDict, as notation: Notation, into out: inout MarkedString, level: Int)
    throws(AviaryError)
  {
    var members = dict.members
    if case .json(let style) = notation, style.sortsKeys {
      members = try sorted(members, by: members.map(\.key))
    }
    out.append("{")
    for (index, (key, value)) in members.enumerated() {
      try separate(index == 0, notation, into: &out, level: level + 1)
      switch (notation, key) {
      case (.json(let style), .string):
        try write(key, as: notation, into: &out)
        out.append(style.keySeparator)
      case (.json(let style), _):
        out.append("\"")
        try write(key, as: notation, into: &out)
        out.append("\"")
        out.append(style.keySeparator)
      case (.python, _):
        try write(key, as: notation, into: &out)
        out.append(": ")
      }
      try write(value, as: notation, into: &out, level: level + 1)
    }
    try close(members.isEmpty, notation, into: &out, level: level)
    out.append("}")
  }

  private func separate(_ isFirst: Bool, _ notation: Notation, into out: inout MarkedString, level: Int)
    throws(AviaryError)
  {
    switch notation {
    case .python: if !isFirst { out.append(", ") }
    case .json(let style):
      if !isFirst { out.append(style.itemSeparator) }
      try newLine(style, into: &out, level: level)
    }
  }

  private func close(_ isEmpty: Bool, _ notation: Notation, into out: inout MarkedString, level: Int)
    throws(AviaryError)
  {
    if !isEmpty, case .json(let style) = notation { try newLine(style, into: &out, level: level) }
  }

  private func newLine(_ style: JSONStyle, into out: inout MarkedString, level: Int) throws(AviaryError) {
    guard let indent = style.indent else { return }
    try admit(indent.count, times: level, to: out.count)
    out.append("\n")
    for _ in 0..<level { out.append(indent) }
  }

  // MARK: Literals

  private func pythonLiteral(_ text: MarkedString) -> MarkedString {
    let values = text.key
    let quote: Unicode.Scalar = values.contains(39) && !values.contains(34) ? "\"" : "'"
    var result = MarkedString(String(quote), trusted: true)
    for scalar in text.scalars {
      switch scalar.scalar {
      case quote, "\\": result.scalars += [scalar.with("\\"), scalar]
      case "\n": result.scalars += scalar.with("\\n")
      case "\r": result.scalars += scalar.with("\\r")
      case "\t": result.scalars += scalar.with("\\t")
      default: result.scalars += isPrintable(scalar.scalar) ? [scalar] : scalar.with(pythonEscape(scalar.value))
      }
    }
    result.append(String(quote))
    return result
  }

  private func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: scalar == " "
    default: true
    }
  }

  private func pythonEscape(_ value: UInt32) -> String {
    switch value {
    case ...0xFF: "\\x" + hex(value, 2)
    case ...0xFFFF: "\\u" + hex(value, 4)
    default: "\\U" + hex(value, 8)
    }
  }

  private func hex(_ value: UInt32, _ width: Int) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private func jsonLiteral(_ text: MarkedString, asciiOnly: Bool) -> MarkedString {
    var result = MarkedString("\"", trusted: true)
    for scalar in text.scalars {
      switch scalar.scalar {
      case "\"", "\\": result.scalars += [scalar.with("\\"), scalar]
      case "\n": result.scalars += scalar.with("\\n")
      case "\r": result.scalars += scalar.with("\\r")
      case "\t": result.scalars += scalar.with("\\t")
      case "\u{8}": result.scalars += scalar.with("\\b")
      case "\u{C}": result.scalars += scalar.with("\\f")
      case _ where scalar.value < 0x20 || (asciiOnly && scalar.value > 0x7E):
        for unit in String(scalar.scalar).utf16 { result.scalars += scalar.with("\\u" + hex(UInt32(unit), 4)) }
      default: result.scalars.append(scalar)
      }
    }
    result.append("\"")
    return result
  }
}

extension Interpreter.Notation {
  fileprivate var isJSON: Bool { if case .json = self { true } else { false } }

  /// Python and Swift agree on the shortest digits that read back as the same number.
  fileprivate func spelling(_ number: TemplateValue.Number) -> String {
    switch number.kind {
    case .int(let value): return "\(value)"
    case .double(let value):
      guard isJSON, !value.isFinite else { return "\(value)" }
      return value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }
  }
}

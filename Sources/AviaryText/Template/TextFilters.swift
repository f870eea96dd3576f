import AviaryTensor

/// Filters that give text.
extension Interpreter {
  static let textFilters: [String: Filter] = [
    "upper": mapped("upper") { $0.uppercased() },
    "lower": mapped("lower") { $0.lowercased() },
    "capitalize": mapped("capitalize") { $0.capitalized() },
    "title": mapped("title", title),
    "string": mapped("string") { $0 },
    "safe": mapped("safe") { $0 },
    "e": mapped("e", escaped), "escape": mapped("escape", escaped), "forceescape": mapped("forceescape", escaped),
    "trim": asText(StringMethods.strip),
    "replace": replace,
    "indent": indent,
    "tojson": json,
    "wordcount": asText(countWords),
  ]

  /// A filter that is a method of text, for whatever prints as text.
  private static func asText(_ method: @escaping StringMethods.Method) -> Filter {
    { (interpreter, value, arguments) throws(AviaryError) in
      try method(interpreter, interpreter.text(of: value), arguments)
    }
  }

  private static func mapped(_ name: String, _ change: @escaping @Sendable (MarkedString) -> MarkedString) -> Filter {
    asText(StringMethods.mapped(name, change))
  }

  private static func countWords(_: Interpreter, _ text: MarkedString, _ arguments: Arguments) throws(AviaryError)
    -> TemplateValue
  {
    _ = try arguments.bind([], of: "wordcount")
    var count = 0
    var insideWord = false
    for scalar in text.scalars {
      let continues = scalar.scalar == "_" || StringMethods.isLetterOrNumber(scalar)
      if continues, !insideWord { count += 1 }
      insideWord = continues
    }
    return .int(count, trusted: text.isTrusted)
  }

  /// The filter's own idea of a title: capitals behind white space, hyphens and opening brackets only.
  @Sendable private static func title(_ text: MarkedString) -> MarkedString {
    var result = MarkedString()
    var startsWord = true
    for scalar in text.scalars {
      let properties = scalar.scalar.properties
      result.scalars += scalar.with(startsWord ? properties.uppercaseMapping : properties.lowercaseMapping)
      startsWord = scalar.isSpace || ["-", "(", "{", "[", "<"].contains(scalar.scalar)
    }
    return result
  }

  @Sendable private static func escaped(_ text: MarkedString) -> MarkedString {
    MarkedString(
      text.scalars.flatMap { scalar in
        switch scalar.scalar {
        case "&": scalar.with("&amp;")
        case "<": scalar.with("&lt;")
        case ">": scalar.with("&gt;")
        case "'": scalar.with("&#39;")
        case "\"": scalar.with("&#34;")
        default: [scalar]
        }
      })
  }

  /// Unlike the method, the filter takes anything that prints.
  private static func replace(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    var texts = arguments
    for (place, value) in arguments.positional.prefix(2).enumerated() {
      texts.positional[place] = .string(try interpreter.text(of: value))
    }
    return try StringMethods.replace(interpreter, interpreter.text(of: value), texts)
  }

  private static func indent(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["width", "first", "blank"], of: "indent")
    let margin = try interpreter.margin(bound[0] ?? .int(4), for: "indent")
    let indentsFirst = try interpreter.flag(bound[1])
    let indentsBlank = try interpreter.flag(bound[2])
    let text = try interpreter.text(of: value)
    let newline = MarkedString("\n", trusted: text.isTrusted)
    // A line end at the end of the text starts one more line here.
    var closed = text
    closed.append(newline)
    let lines = closed.lines()
    try interpreter.admit(margin.count + 1, times: lines.count, to: text.count)
    var result = MarkedString()
    for (index, line) in lines.enumerated() {
      if index > 0 { result.append(newline) }
      if index == 0 ? indentsFirst : indentsBlank || !line.isEmpty { result.append(margin) }
      result.append(line)
    }
    return .string(result)
  }

  /// A margin given as text or as a number of spaces.
  private func margin(_ value: TemplateValue, for callee: String) throws(AviaryError) -> MarkedString {
    if case .string(let text) = value { return text }
    let width = max(0, try integer(value, for: callee))
    try admit(width)
    return MarkedString(String(repeating: " ", count: width), trusted: true)
  }

  /// JSON as transformers writes it: nothing escaped for HTML, letters beyond ASCII as they are.
  private static func json(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson")
    var indent: MarkedString?
    switch bound[1] {
    case nil, .some(.none): break
    case .some(let width): indent = try interpreter.margin(width, for: "tojson")
    }
    var style = JSONStyle(
      indent: indent, itemSeparator: MarkedString(indent == nil ? ", " : ",", trusted: true),
      keySeparator: MarkedString(": ", trusted: true))
    if case .list(let separators)? = bound[2], separators.items.count == 2 {
      style.itemSeparator = try interpreter.string(separators.items[0], for: "tojson")
      style.keySeparator = try interpreter.string(separators.items[1], for: "tojson")
    }
    style.sortsKeys = try interpreter.flag(bound[3])
    style.asciiOnly = try interpreter.flag(bound[0])
    var result = MarkedString()
    try interpreter.write(value, as: .json(style), into: &result)
    return .string(result)
  }
}

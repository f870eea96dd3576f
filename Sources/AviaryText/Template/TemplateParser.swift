import AviaryTensor

/// Reads tokens into statements. Expressions stand in ExpressionParser.swift.
///
/// A recursive descent; `depth` counts how deep it is, so that no template overflows the stack.
struct TemplateParser {
  private let tokens: [Token]
  private let lines: LineMap
  let depthLimit: Int
  private var index = 0
  private var depth = 0
  private var loops = 0
  /// Where the tag that was read last begins.
  private var tagPosition = 0

  /// - Parameter tokens: as the lexer gives them, with `.end` as the last.
  init(_ tokens: [Token], _ lines: LineMap, depthLimit: Int) {
    self.tokens = tokens
    self.lines = lines
    self.depthLimit = depthLimit
  }

  mutating func parse() throws(AviaryError) -> [Statement] {
    let (body, _) = try statements(until: [])
    return body
  }

  // MARK: The stream

  var current: Token { tokens[index] }
  var following: Token { tokens[min(index + 1, tokens.count - 1)] }
  mutating func advance() { index = min(index + 1, tokens.count - 1) }

  func isSymbol(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isName(_ name: String) -> Bool { current.kind == .name(name) }

  mutating func skip(_ kind: Token.Kind) -> Bool {
    guard current.kind == kind else { return false }
    advance()
    return true
  }
  mutating func skip(symbol: String) -> Bool { skip(.symbol(symbol)) }
  mutating func skip(name: String) -> Bool { skip(.name(name)) }

  mutating func expect(_ kind: Token.Kind) throws(AviaryError) {
    guard skip(kind) else { throw unexpected(wanted: Token(kind: kind, position: 0).description) }
  }
  mutating func expect(symbol: String) throws(AviaryError) { try expect(.symbol(symbol)) }

  mutating func expectName(_ what: String) throws(AviaryError) -> String {
    guard case .name(let name) = current.kind else { throw unexpected(wanted: what) }
    advance()
    return name
  }

  func error(_ found: String, wanted: String = "", at position: Int) -> AviaryError {
    AviaryError(.format, found, wanted: wanted, at: lines.place(position))
  }
  func unexpected(wanted: String) -> AviaryError {
    error("unexpected \(current.description)", wanted: wanted, at: current.position)
  }

  /// One level deeper; the caller calls `leave` when it is done.
  mutating func enter() throws(AviaryError) {
    depth += 1
    guard depth <= depthLimit else { throw tooDeep(at: current.position) }
  }
  mutating func leave() { depth -= 1 }
  func tooDeep(at position: Int) -> AviaryError {
    AviaryError(
      .limit, "the template is nested too deeply", wanted: "at most \(depthLimit) levels", at: lines.place(position))
  }

  // MARK: Statements

  /// Statements up to a tag whose name is in `ends`; the cursor then stands behind that name.
  private mutating func statements(until ends: Set<String>) throws(AviaryError) -> ([Statement], end: String) {
    try enter()
    defer { leave() }
    var body: [Statement] = []
    let start = tagPosition
    while true {
      switch current.kind {
      case .text(let text):
        advance()
        body.append(.text(text))
      case .outputBegin:
        advance()
        body.append(.output(try tuple()))
        try expect(.outputEnd)
      case .tagBegin:
        tagPosition = current.position
        advance()
        let position = current.position
        let name = try expectName("the name of a tag")
        if ends.contains(name) { return (body, name) }
        body += try statement(name, at: position)
      default:
        guard ends.isEmpty else {
          throw error(
            "a block is never closed", wanted: ends.sorted().map { "`{% \($0) %}`" }.joined(separator: " or "),
            at: start)
        }
        return (body, "")
      }
    }
  }

  /// The rest of a tag, then statements up to one of `ends`.
  private mutating func block(until ends: Set<String>) throws(AviaryError) -> ([Statement], end: String) {
    try expect(.tagEnd)
    return try statements(until: ends)
  }
  private mutating func block(until end: String) throws(AviaryError) -> [Statement] {
    let (body, _) = try block(until: [end])
    try expect(.tagEnd)
    return body
  }

  private static let refused: Set<String> = [
    "include", "import", "from", "extends", "block", "call", "autoescape", "do", "trans", "debug",
  ]

  private mutating func statement(_ name: String, at position: Int) throws(AviaryError) -> [Statement] {
    switch name {
    case "if": return [try branches()]
    case "for": return [try loop(at: position)]
    case "set": return [try set(at: position)]
    case "macro": return [try macro()]
    case "with": return [try with(at: position)]
    case "filter":
      let steps = try filters(first: true)
      return [.filterBlock(steps, body: try block(until: "endfilter"))]
    case "generation":
      return [.scope(try block(until: "endgeneration"))]
    case "break", "continue":
      guard loops > 0 else { throw error("`\(name)` stands outside a loop", at: position) }
      try expect(.tagEnd)
      return [name == "break" ? .breakLoop : .continueLoop]
    default:
      let reason = Self.refused.contains(name) ? "is refused in chat templates" : "is unknown or stands out of place"
      throw error("the tag `\(name)` \(reason)", at: position)
    }
  }

  private mutating func branches() throws(AviaryError) -> Statement {
    var list: [(test: Expression, body: [Statement])] = []
    while true {
      let test = try tuple(withConditional: false)
      let (body, end) = try block(until: ["elif", "else", "endif"])
      list.append((test, body))
      if end == "elif" { continue }
      if end == "else" { return .branches(list, otherwise: try block(until: "endif")) }
      try expect(.tagEnd)
      return .branches(list, otherwise: [])
    }
  }

  private mutating func loop(at position: Int) throws(AviaryError) -> Statement {
    let target = try target()
    guard skip(name: "in") else { throw unexpected(wanted: "`in`") }
    let iterable = try tuple(withConditional: false, ends: ["recursive"])
    let filter = skip(name: "if") ? try expression() : nil
    if isName("recursive") { throw error("recursive loops are refused in chat templates", at: current.position) }
    loops += 1
    let (body, end) = try block(until: ["else", "endfor"])
    loops -= 1
    var otherwise: [Statement] = []
    if end == "else" { otherwise = try block(until: "endfor") } else { try expect(.tagEnd) }
    return .loop(
      LoopStatement(
        target: target, iterable: iterable, filter: filter, body: body, otherwise: otherwise, position: position))
  }

  private mutating func set(at position: Int) throws(AviaryError) -> Statement {
    let target = try target()
    if skip(symbol: "=") {
      let value = try tuple()
      try expect(.tagEnd)
      return .set(target, value, position: position)
    }
    let steps = try filters(first: false)
    return .setBlock(target, steps, body: try block(until: "endset"), position: position)
  }

  private mutating func with(at position: Int) throws(AviaryError) -> Statement {
    var list: [(Target, Expression)] = []
    while current.kind != .tagEnd {
      if !list.isEmpty { try expect(symbol: ",") }
      let target = try targetItem()
      try expect(symbol: "=")
      list.append((target, try expression()))
    }
    return .with(list, body: try block(until: "endwith"), position: position)
  }

  private mutating func macro() throws(AviaryError) -> Statement {
    let name = try assignableName()
    try expect(symbol: "(")
    var parameters: [(name: String, fallback: Expression?)] = []
    while !isSymbol(")") {
      if !parameters.isEmpty { try expect(symbol: ",") }
      let position = current.position
      let parameter = try assignableName()
      let fallback = skip(symbol: "=") ? try expression() : nil
      if fallback == nil, parameters.last?.fallback != nil {
        throw error("the parameter `\(parameter)` has no default but stands after one that has", at: position)
      }
      parameters.append((parameter, fallback))
    }
    try expect(symbol: ")")
    let outer = loops
    loops = 0
    defer { loops = outer }
    return .macro(MacroDefinition(name: name, parameters: parameters, body: try block(until: "endmacro")))
  }

  // MARK: Targets

  /// What is assigned to: a name, `name.attribute`, or several separated by commas.
  private mutating func target() throws(AviaryError) -> Target {
    var items = [try targetItem()]
    var isTuple = false
    while skip(symbol: ",") {
      isTuple = true
      switch current.kind {
      case .name("in"), .symbol("="), .symbol(")"), .tagEnd: break
      default: items.append(try targetItem())
      }
    }
    return isTuple ? .tuple(items) : items[0]
  }

  private mutating func targetItem() throws(AviaryError) -> Target {
    if skip(symbol: "(") {
      try enter()
      defer { leave() }
      let inner = try target()
      try expect(symbol: ")")
      return inner
    }
    let name = try assignableName()
    return skip(symbol: ".") ? .attribute(of: name, try expectName("the name of an attribute")) : .name(name)
  }

  private mutating func assignableName() throws(AviaryError) -> String {
    let position = current.position
    let name = try expectName("a name to assign to")
    guard Self.constants[name] == nil else { throw error("`\(name)` cannot be assigned to", at: position) }
    return name
  }

  static let constants: [String: Literal] = [
    "true": .bool(true), "True": .bool(true), "false": .bool(false), "False": .bool(false), "none": .none,
    "None": .none,
  ]
}

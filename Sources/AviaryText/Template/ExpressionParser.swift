import AviaryTensor

/// Expressions, with Jinja's precedence: `or`, `and`, `not`, comparisons, `+ -`, `~`, `* / // %`, `**`, signs, then
/// look-ups, calls, filters and tests. Note that `~` binds closer than `+`, and that `**` groups to the left.
extension TemplateParser {
  /// `expression() or expression, expression, ...`, which makes a tuple.
  mutating func tuple(withConditional: Bool = true, ends: Set<String> = [], inParentheses: Bool = false)
    throws(AviaryError) -> Expression
  {
    let position = current.position
    var items: [Expression] = []
    var isTuple = false
    while !isTupleEnd(ends) {
      items.append(try withConditional ? expression() : simpleExpression())
      guard skip(symbol: ",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple || inParentheses else { throw unexpected(wanted: "an expression") }
    return try node(.tuple(items), at: position, over: items)
  }

  private func isTupleEnd(_ ends: Set<String>) -> Bool {
    switch current.kind {
    case .outputEnd, .tagEnd, .symbol(")"): true
    case .name(let name): ends.contains(name)
    default: false
    }
  }

  /// An expression without `if` and `else`.
  private mutating func simpleExpression() throws(AviaryError) -> Expression {
    try enter()
    defer { leave() }
    return try operation(Level.or)
  }

  /// An expression with `if` and `else`.
  mutating func expression() throws(AviaryError) -> Expression {
    try enter()
    defer { leave() }
    var result = try operation(Level.or)
    while isName("if") {
      let position = current.position
      advance()
      let test = try operation(Level.or)
      let otherwise = skip(name: "else") ? try expression() : nil
      result = try node(
        .conditional(test: test, then: result, otherwise: otherwise), at: position,
        over: [test, result] + (otherwise.map { [$0] } ?? []))
    }
    return result
  }

  private func node(_ kind: Expression.Kind, at position: Int, over parts: [Expression]) throws(AviaryError)
    -> Expression
  {
    let depth = (parts.lazy.map(\.depth).max() ?? 0) + 1
    guard depth <= depthLimit else { throw tooDeep(at: position) }
    return Expression(kind, at: position, depth: depth)
  }

  // MARK: Operators

  private enum Level {
    static let or = 1
    static let and = 2
    static let not = 3
    static let comparison = 4
    static let sum = 5
  }
  private static let binary: [String: (level: Int, op: BinaryOperator)] = [
    "+": (Level.sum, .add), "-": (Level.sum, .subtract), "~": (6, .concatenate), "*": (7, .multiply),
    "/": (7, .divide), "//": (7, .floorDivide), "%": (7, .remainder), "**": (8, .power),
  ]

  /// Operators that bind at least as close as `level`, all grouped to the left.
  private mutating func operation(_ level: Int) throws(AviaryError) -> Expression {
    var left: Expression
    if level <= Level.not, isName("not") {
      let position = current.position
      advance()
      try enter()
      defer { leave() }
      let operand = try operation(Level.not)
      left = try node(.not(operand), at: position, over: [operand])
    } else {
      left = try signed(withFilters: true)
    }
    while true {
      let position = current.position
      if level <= Level.or, skip(name: "or") {
        let right = try operation(Level.and)
        left = try node(.or(left, right), at: position, over: [left, right])
      } else if level <= Level.and, skip(name: "and") {
        let right = try operation(Level.not)
        left = try node(.and(left, right), at: position, over: [left, right])
      } else if level <= Level.comparison, let first = comparison() {
        left = try comparisons(left, first, at: position)
      } else if case .symbol(let symbol) = current.kind, let (own, op) = Self.binary[symbol], level <= own {
        advance()
        let right = try operation(own + 1)
        left = try node(.binary(op, left, right), at: position, over: [left, right])
      } else {
        return left
      }
    }
  }

  /// `a < b < c`, from the first operator on.
  private mutating func comparisons(_ left: Expression, _ first: Comparison, at position: Int) throws(AviaryError)
    -> Expression
  {
    var chain = [(op: first, right: try operation(Level.sum))]
    while let op = comparison() { chain.append((op, try operation(Level.sum))) }
    return try node(.compare(left, chain), at: position, over: [left] + chain.map(\.right))
  }

  private mutating func comparison() -> Comparison? {
    switch current.kind {
    case .symbol(let symbol):
      guard let op = Comparison(rawValue: symbol) else { return nil }
      advance()
      return op
    case .name("in"):
      advance()
      return .isIn
    case .name("not") where following.kind == .name("in"):
      advance()
      advance()
      return .notIn
    default: return nil
    }
  }

  /// A sign binds closer than a filter: `-3 | abs` is `(-3) | abs`.
  private mutating func signed(withFilters: Bool) throws(AviaryError) -> Expression {
    let position = current.position
    var result: Expression
    if isSymbol("-") || isSymbol("+") {
      let negates = isSymbol("-")
      advance()
      try enter()
      defer { leave() }
      let operand = try signed(withFilters: false)
      result = try node(negates ? .negative(operand) : .positive(operand), at: position, over: [operand])
    } else {
      result = try primary()
    }
    result = try lookUps(result)
    return withFilters ? try filtersAndTests(result) : result
  }

  // MARK: Values

  private mutating func primary() throws(AviaryError) -> Expression {
    let position = current.position
    switch current.kind {
    case .name(let name):
      advance()
      return try node(Self.constants[name].map { .literal($0) } ?? .name(name), at: position, over: [])
    case .string(var text):
      advance()
      while case .string(let more) = current.kind {
        text.append(more)
        advance()
      }
      return try node(.literal(.string(text)), at: position, over: [])
    case .int(let value):
      advance()
      return try node(.literal(.int(value)), at: position, over: [])
    case .double(let value):
      advance()
      return try node(.literal(.double(value)), at: position, over: [])
    case .symbol("("):
      advance()
      let inner = try tuple(inParentheses: true)
      try expect(symbol: ")")
      return inner
    case .symbol("["): return try list()
    case .symbol("{"): return try dict()
    default: throw unexpected(wanted: "an expression")
    }
  }

  private mutating func list() throws(AviaryError) -> Expression {
    let position = current.position
    advance()
    var items: [Expression] = []
    while !isSymbol("]") {
      items.append(try expression())
      if !isSymbol("]") { try expect(symbol: ",") }
    }
    advance()
    return try node(.list(items), at: position, over: items)
  }

  private mutating func dict() throws(AviaryError) -> Expression {
    let position = current.position
    advance()
    var members: [(key: Expression, value: Expression)] = []
    while !isSymbol("}") {
      let key = try expression()
      try expect(symbol: ":")
      members.append((key, try expression()))
      if !isSymbol("}") { try expect(symbol: ",") }
    }
    advance()
    return try node(.dict(members), at: position, over: members.flatMap { [$0.key, $0.value] })
  }

  // MARK: Look-ups, calls, filters, tests

  private mutating func lookUps(_ start: Expression) throws(AviaryError) -> Expression {
    var result = start
    while true {
      if isSymbol(".") {
        result = try attribute(of: result)
      } else if isSymbol("[") {
        result = try subscripted(result)
      } else if isSymbol("(") {
        result = try call(result)
      } else {
        return result
      }
    }
  }

  private mutating func attribute(of base: Expression) throws(AviaryError) -> Expression {
    advance()
    let position = current.position
    if case .int(let index) = current.kind {
      advance()
      let number = try node(.literal(.int(index)), at: position, over: [])
      return try node(.subscripted(base, number), at: position, over: [base, number])
    }
    return try node(.attribute(base, try expectName("the name of an attribute")), at: position, over: [base])
  }

  private mutating func subscripted(_ base: Expression) throws(AviaryError) -> Expression {
    let position = current.position
    advance()
    let start = isSymbol(":") ? nil : try expression()
    if let start, skip(symbol: "]") { return try node(.subscripted(base, start), at: position, over: [base, start]) }
    try expect(symbol: ":")
    let stop = isSymbol(":") || isSymbol("]") ? nil : try expression()
    let step = skip(symbol: ":") && !isSymbol("]") ? try expression() : nil
    try expect(symbol: "]")
    return try node(
      .slice(base, start: start, stop: stop, step: step), at: position,
      over: [base] + [start, stop, step].compactMap { $0 })
  }

  private mutating func call(_ callee: Expression) throws(AviaryError) -> Expression {
    let position = current.position
    let arguments = try arguments()
    return try node(.call(callee, arguments), at: position, over: [callee] + arguments.expressions)
  }

  private mutating func arguments() throws(AviaryError) -> CallArguments {
    try expect(symbol: "(")
    var result = CallArguments()
    while !isSymbol(")") {
      if isSymbol("*") || isSymbol("**") {
        throw error("`*` and `**` before an argument are refused in chat templates", at: current.position)
      }
      if case .name(let name) = current.kind, following.kind == .symbol("=") {
        advance()
        advance()
        result.named.append((name, try expression()))
      } else {
        guard result.named.isEmpty else { throw unexpected(wanted: "an argument with a name, as the one before it") }
        result.positional.append(try expression())
      }
      if !isSymbol(")") { try expect(symbol: ",") }
    }
    advance()
    return result
  }

  private mutating func filtersAndTests(_ start: Expression) throws(AviaryError) -> Expression {
    var result = start
    while true {
      let position = current.position
      if skip(symbol: "|") {
        let step = try filterStep()
        result = try node(.filter(result, step), at: position, over: [result] + step.arguments.expressions)
      } else if skip(name: "is") {
        result = try test(of: result, at: position)
      } else if isSymbol("(") {
        result = try call(result)
      } else {
        return result
      }
    }
  }

  private mutating func filterStep() throws(AviaryError) -> FilterStep {
    let position = current.position
    let name = try expectName("the name of a filter")
    return FilterStep(name: name, arguments: isSymbol("(") ? try arguments() : CallArguments(), position: position)
  }

  /// `name | name ...`, with a leading `|` unless the first stands right there.
  mutating func filters(first: Bool) throws(AviaryError) -> [FilterStep] {
    var steps = first ? [try filterStep()] : []
    while skip(symbol: "|") { steps.append(try filterStep()) }
    return steps
  }

  private mutating func test(of value: Expression, at position: Int) throws(AviaryError) -> Expression {
    let negated = skip(name: "not")
    let name = try expectName("the name of a test")
    var arguments = CallArguments()
    switch current.kind {
    case .symbol("("): arguments = try self.arguments()
    case .name("is"): throw unexpected(wanted: "one test; tests do not chain")
    case .name("else"), .name("or"), .name("and"), .name("if"), .name("not"), .name("in"): break
    case .name, .string, .int, .double, .symbol("["), .symbol("{"):
      arguments.positional = [try lookUps(try primary())]
    default: break
    }
    return try node(
      .test(value, name: name, arguments, negated: negated), at: position, over: [value] + arguments.expressions)
  }
}

extension CallArguments {
  fileprivate var expressions: [Expression] { positional + named.map(\.value) }
}

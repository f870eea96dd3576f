import AviaryTensor

/// Statements: what each writes, defines and repeats.
extension Interpreter {
  /// How a body was left.
  enum Flow {
    case next, breakLoop, continueLoop
  }

  func run(_ body: [Statement]) throws(AviaryError) -> Flow {
    try enter()
    defer { leave() }
    for statement in body {
      try spend()
      let flow = try run(statement)
      guard case .next = flow else { return flow }
    }
    return .next
  }

  private func run(_ statement: Statement) throws(AviaryError) -> Flow {
    switch statement {
    case .text(let text): try write(text)
    case .output(let expression): try output(expression)
    case .branches(let branches, let otherwise): return try run(branches, otherwise)
    case .loop(let loop): return try run(loop)
    case .set(let target, let expression, let position):
      try assign(target, try evaluate(expression), at: position)
    case .setBlock(let target, let steps, let body, let position):
      try assign(target, try captured(body, steps), at: position)
    case .filterBlock(let steps, let body):
      let value = try captured(body, steps)
      try write(try text(of: value))
    case .with(let list, let body, let position): return try run(list, body, at: position)
    case .scope(let body): return try withScope { () throws(AviaryError) in try run(body) }
    case .macro(let macro): define(macro.name, .opaque(.macro(macro, scopes: scopes.count)))
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .next
  }

  private func output(_ expression: Expression) throws(AviaryError) {
    let value = try evaluate(expression)
    do {
      try write(try text(of: value))
    } catch {
      throw locate(error, expression.position)
    }
  }

  private func run(_ branches: [(test: Expression, body: [Statement])], _ otherwise: [Statement])
    throws(AviaryError) -> Flow
  {
    for branch in branches where try isTrue(try evaluate(branch.test)) { return try run(branch.body) }
    return try run(otherwise)
  }

  /// What a body writes, after filters.
  private func captured(_ body: [Statement], _ steps: [FilterStep]) throws(AviaryError) -> TemplateValue {
    let text = try capture { () throws(AviaryError) in
      try withScope { () throws(AviaryError) in _ = try run(body) }
    }
    var value = TemplateValue.string(text)
    for step in steps { value = try apply(step, to: value) }
    return value
  }

  private func run(_ list: [(Target, Expression)], _ body: [Statement], at position: Int) throws(AviaryError) -> Flow {
    var values: [TemplateValue] = []
    for (_, expression) in list { values.append(try evaluate(expression)) }
    return try withScope { () throws(AviaryError) in
      for ((target, _), value) in zip(list, values) { try assign(target, value, at: position) }
      return try run(body)
    }
  }

  // MARK: Loops

  private func run(_ loop: LoopStatement) throws(AviaryError) -> Flow {
    let iterable = try evaluate(loop.iterable)
    let items: [TemplateValue]
    do {
      items = try self.items(of: iterable)
    } catch {
      throw locate(error, loop.iterable.position)
    }
    let kept = try filtered(items, loop)
    if kept.isEmpty { return try withScope { () throws(AviaryError) in try run(loop.otherwise) } }
    let state = LoopState(kept)
    for (index, item) in kept.enumerated() {
      state.index = index
      let flow = try withScope(["loop": .opaque(.loop(state))]) { () throws(AviaryError) in
        try assign(loop.target, item, at: loop.position)
        return try run(loop.body)
      }
      if case .breakLoop = flow { break }
    }
    return .next
  }

  private func filtered(_ items: [TemplateValue], _ loop: LoopStatement) throws(AviaryError) -> [TemplateValue] {
    guard let filter = loop.filter else { return items }
    var kept: [TemplateValue] = []
    for item in items {
      let keeps = try withScope { () throws(AviaryError) in
        try assign(loop.target, item, at: loop.position)
        return try isTrue(try evaluate(filter))
      }
      if keeps { kept.append(item) }
    }
    return kept
  }

  // MARK: Assignment

  private func assign(_ target: Target, _ value: TemplateValue, at position: Int) throws(AviaryError) {
    do {
      try assign(target, value)
    } catch {
      throw locate(error, position)
    }
  }

  private func assign(_ target: Target, _ value: TemplateValue) throws(AviaryError) {
    switch target {
    case .name(let name): define(name, value)
    case .attribute(let name, let attribute):
      guard case .opaque(.namespace(let namespace)) = try lookUp(name) else {
        throw AviaryError(.config, "`\(name)` has its member `\(attribute)` set", wanted: "a namespace")
      }
      try checkStorable(value)
      namespace.members[attribute] = value
    case .tuple(let targets):
      let items = try self.items(of: value)
      guard items.count == targets.count else {
        throw AviaryError(.config, "\(items.count) values are assigned to \(targets.count) names")
      }
      for (target, item) in zip(targets, items) { try assign(target, item) }
    }
  }

  // MARK: Macros

  func call(_ macro: MacroDefinition, scopes defined: Int, _ arguments: Arguments) throws(AviaryError)
    -> TemplateValue
  {
    guard defined <= scopes.count else {
      throw AviaryError(.config, "the macro `\(macro.name)` is called outside the block that defines it")
    }
    let values = try arguments.bind(macro.parameters.map(\.name), of: macro.name)
    let hidden = Array(scopes[defined...])
    scopes.removeSubrange(defined...)
    defer { scopes += hidden }
    let text = try capture { () throws(AviaryError) in
      try withScope { () throws(AviaryError) in
        for (parameter, value) in zip(macro.parameters, values) {
          if let value {
            define(parameter.name, value)
          } else if let fallback = parameter.fallback {
            define(parameter.name, try evaluate(fallback))
          } else {
            define(parameter.name, .undefined(.variable(parameter.name)))
          }
        }
        _ = try run(macro.body)
      }
    }
    return .string(text)
  }
}

import AviaryTensor

/// Expressions: names, literals, look-ups, slices and calls. Operators stand in Operators.swift.
extension Interpreter {
  func evaluate(_ expression: Expression) throws(AviaryError) -> TemplateValue {
    try enter()
    defer { leave() }
    do {
      try spend()
      return try value(of: expression)
    } catch {
      throw locate(error, expression.position)
    }
  }

  private func value(of expression: Expression) throws(AviaryError) -> TemplateValue {
    switch expression.kind {
    case .literal(let literal): return value(of: literal)
    case .name(let name): return try lookUp(name)
    case .list(let items): return try list(try evaluate(items))
    case .tuple(let items): return try list(try evaluate(items), .tuple)
    case .dict(let members): return try dict(try evaluate(members))
    case .negative(let operand): return try negated(try evaluate(operand))
    case .positive(let operand): return try signed(try evaluate(operand))
    case .not(let operand): return .bool(!(try isTrue(try evaluate(operand))))
    case .and(let left, let right):
      let value = try evaluate(left)
      return try isTrue(value) ? evaluate(right) : value
    case .or(let left, let right):
      let value = try evaluate(left)
      return try isTrue(value) ? value : evaluate(right)
    case .binary(let op, let left, let right): return try combine(op, try evaluate(left), try evaluate(right))
    case .compare(let left, let chain): return .bool(try holds(left, chain))
    case .conditional(let test, let then, let otherwise):
      if try isTrue(try evaluate(test)) { return try evaluate(then) }
      return try otherwise.map(evaluate) ?? .undefined(.alternative)
    case .attribute(let base, let name): return try attribute(name, of: try evaluate(base))
    case .subscripted(let base, let key): return try item(try evaluate(key), of: try evaluate(base))
    case .slice(let base, let start, let stop, let step): return try slice(base, start, stop, step)
    case .call(let callee, let arguments): return try call(callee, arguments)
    case .filter(let base, let step): return try apply(step, to: try evaluate(base))
    case .test(let base, let name, let arguments, let negated):
      let value = try evaluate(base)
      return .bool(try test(name, value, try evaluate(arguments)) != negated)
    }
  }

  private func value(of literal: Literal) -> TemplateValue {
    switch literal {
    case .none: .none
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .double(let value): .double(value)
    case .string(let text): .string(text)
    }
  }

  private func evaluate(_ items: [Expression]) throws(AviaryError) -> [TemplateValue] {
    var values: [TemplateValue] = []
    for item in items { values.append(try evaluate(item)) }
    return values
  }

  private func evaluate(_ members: [(key: Expression, value: Expression)]) throws(AviaryError)
    -> [(key: TemplateValue, value: TemplateValue)]
  {
    var values: [(key: TemplateValue, value: TemplateValue)] = []
    for (key, value) in members { values.append((try evaluate(key), try evaluate(value))) }
    return values
  }

  func evaluate(_ arguments: CallArguments) throws(AviaryError) -> Arguments {
    var result = Arguments(positional: try evaluate(arguments.positional))
    for (name, value) in arguments.named { result.named.append((name, try evaluate(value))) }
    return result
  }

  // MARK: Members

  /// `base.name`: a method or member first, then a key.
  func attribute(_ name: String, of base: TemplateValue) throws(AviaryError) -> TemplateValue {
    switch base {
    case .undefined(let missing):
      throw AviaryError(.config, missing.description, wanted: "a value that has `\(name)`")
    case .dict(let dict):
      if DictMethods.table[name] != nil { return .opaque(.method(name)) }
      if let value = dict[name] { return value }
    case .string where StringMethods.table[name] != nil: return .opaque(.method(name))
    case .list where ListMethods.table[name] != nil: return .opaque(.method(name))
    case .opaque(.namespace(let namespace)):
      if let value = namespace.members[name] { return value }
    case .opaque(.loop(let state)):
      if let value = state[name] { return value }
    default: break
    }
    // Jinja's sandbox keeps these from templates, since in Python they lead to the interpreter's insides.
    guard !name.hasPrefix("_") else {
      throw AviaryError(.config, "the attribute `\(name)` of \(base.description) is refused")
    }
    return .undefined(.member(name))
  }

  /// `base[key]`: a key or index first, then a member.
  func item(_ key: TemplateValue, of base: TemplateValue) throws(AviaryError) -> TemplateValue {
    try spend(on: key)
    switch (base, key) {
    case (.undefined(let missing), _):
      throw AviaryError(.config, missing.description, wanted: "a list or mapping")
    case (.dict(let dict), _):
      guard let id = key.key else {
        throw AviaryError(.config, "\(key.description) is used as a key", wanted: "text, a number, a boolean or none")
      }
      if let value = dict[id] { return value }
    case (.list(let list), .number(let number)):
      guard list.kind != .iterator else { throw noLength() }
      guard let place = number.int.flatMap({ index($0, in: list.items.count) }) else { break }
      return list.items[place]
    case (.string(let text), .number(let number)):
      guard let place = number.int.flatMap({ index($0, in: text.count) }) else { break }
      return .string(MarkedString(text.scalars[place...place]))
    default: break
    }
    guard case .string(let name) = key else { return .undefined(.member(try text(of: key).plain)) }
    if case .dict = base { return .undefined(.member(name.plain)) }
    return try attribute(name.plain, of: base)
  }

  private func index(_ index: Int, in count: Int) -> Int? {
    let place = index < 0 ? index + count : index
    return (0..<count).contains(place) ? place : nil
  }

  func noLength() -> AviaryError {
    AviaryError(.config, "what a filter such as `map` or `select` gives has no length", wanted: "`| list` behind it")
  }

  // MARK: Slices

  private func slice(_ base: Expression, _ start: Expression?, _ stop: Expression?, _ step: Expression?)
    throws(AviaryError) -> TemplateValue
  {
    let value = try evaluate(base)
    let bounds = (try bound(start), try bound(stop), try bound(step) ?? 1)
    try spend(on: value)
    switch value {
    case .string(let text):
      let places = try places(bounds, count: text.count)
      return .string(MarkedString(places.map { text.scalars[$0] }))
    case .list(let list) where list.kind != .iterator:
      let places = try places(bounds, count: list.items.count)
      return try self.list(places.map { list.items[$0] }, list.kind)
    case .list: throw noLength()
    default: throw AviaryError(.config, "\(value.description) is sliced", wanted: "a string or list")
    }
  }

  private func bound(_ expression: Expression?) throws(AviaryError) -> Int? {
    guard let expression else { return nil }
    switch try evaluate(expression) {
    case .none: return nil
    case .number(let number):
      if let value = number.int { return value }
      fallthrough
    default: throw AviaryError(.config, "a slice has a bound that is no integer")
    }
  }

  /// The places that a slice takes, as Python's `slice.indices` gives them.
  private func places(_ bounds: (start: Int?, stop: Int?, step: Int), count: Int) throws(AviaryError)
    -> StrideTo<Int>
  {
    let (start, stop, step) = bounds
    // A step beyond the length acts as the length does.
    let stride = min(max(step, -count - 1), count + 1)
    guard stride != 0 else { throw AviaryError(.config, "a slice has the step 0") }
    let low = stride > 0 ? 0 : -1
    let high = stride > 0 ? count : count - 1
    func clamp(_ bound: Int) -> Int {
      // `bound` is negative where `count` is added, so the sum cannot overflow.
      min(max(bound < 0 ? bound + count : bound, low), high)
    }
    return Swift.stride(
      from: start.map(clamp) ?? (stride > 0 ? low : high), to: stop.map(clamp) ?? (stride > 0 ? high : low),
      by: stride)
  }

  // MARK: Calls

  private func call(_ callee: Expression, _ arguments: CallArguments) throws(AviaryError) -> TemplateValue {
    if case .attribute(let base, let name) = callee.kind {
      let receiver = try evaluate(base)
      let values = try evaluate(arguments)
      if let result = try callMethod(name, of: receiver, values) { return result }
      return try call(try attribute(name, of: receiver), values)
    }
    return try call(try evaluate(callee), try evaluate(arguments))
  }

  private func callMethod(_ name: String, of receiver: TemplateValue, _ arguments: Arguments) throws(AviaryError)
    -> TemplateValue?
  {
    try spend(on: receiver)
    switch receiver {
    case .string(let text): return try StringMethods.table[name]?(self, text, arguments)
    case .dict(let dict): return try DictMethods.table[name]?(self, dict, arguments)
    case .list(let list): return try ListMethods.table[name]?(self, list, arguments)
    case .opaque(.loop(let state)) where name == "cycle":
      guard !arguments.positional.isEmpty else { throw AviaryError(.config, "`loop.cycle` got no values") }
      return arguments.positional[state.index % arguments.positional.count]
    default: return nil
    }
  }

  private func call(_ callee: TemplateValue, _ arguments: Arguments) throws(AviaryError) -> TemplateValue {
    switch callee {
    case .opaque(.macro(let macro, let scopes)): return try call(macro, scopes: scopes, arguments)
    case .opaque(.function(let name)): return try callFunction(name, arguments)
    case .undefined(let missing): throw AviaryError(.config, missing.description, wanted: "a function or method")
    default: throw AviaryError(.config, "\(callee.description) is called", wanted: "a function or macro")
    }
  }
}

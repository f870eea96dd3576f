import AviaryTensor

/// Arithmetic, comparison and truth, as Python has them.
extension Interpreter {
  func isTrue(_ value: TemplateValue) throws(AviaryError) -> Bool {
    switch value {
    case .undefined, .none: false
    case .bool(let value): value
    case .number(let number): number.double != 0
    case .string(let text): !text.isEmpty
    case .list(let list): list.kind == .iterator || !list.items.isEmpty
    case .dict(let dict): !dict.members.isEmpty
    case .opaque: true
    }
  }

  // MARK: Arithmetic

  func combine(_ op: BinaryOperator, _ left: TemplateValue, _ right: TemplateValue) throws(AviaryError)
    -> TemplateValue
  {
    try spend(on: left)
    try spend(on: right)
    switch (op, left, right) {
    case (.concatenate, _, _): return try joined(try text(of: left), try text(of: right))
    case (.add, .string(let a), .string(let b)): return try joined(a, b)
    case (.add, .list(let a), .list(let b)) where a.kind == b.kind && a.kind != .iterator:
      return try list(a.items + b.items, a.kind)
    case (.multiply, .string(let text), .number(let count)), (.multiply, .number(let count), .string(let text)):
      return try repeated(text, count)
    case (.multiply, .list(let list), .number(let count)), (.multiply, .number(let count), .list(let list)):
      return try repeated(list, count)
    default: break
    }
    guard let a = left.number, let b = right.number else { throw unfit(op, left, right) }
    let trusted = a.trusted && b.trusted
    if let x = a.int, let y = b.int, op != .divide, op != .power || y >= 0 {
      return .int(try integer(op, x, y), trusted: trusted)
    }
    return .double(try real(op, a.double, b.double), trusted: trusted)
  }

  private func unfit(_ op: BinaryOperator, _ left: TemplateValue, _ right: TemplateValue) -> AviaryError {
    for case .undefined(let missing) in [left, right] {
      return AviaryError(.config, missing.description, wanted: "a value for `\(op.rawValue)`")
    }
    if op == .remainder, case .string = left {
      return AviaryError(.config, "text is formatted with `%`, which is refused", wanted: "`~`")
    }
    return AviaryError(.config, "`\(op.rawValue)` got \(left.description) and \(right.description)")
  }

  private func joined(_ left: MarkedString, _ right: MarkedString) throws(AviaryError) -> TemplateValue {
    try admit(right.count, to: left.count)
    var result = left
    result.append(right)
    return .string(result)
  }

  private func repeated(_ text: MarkedString, _ count: TemplateValue.Number) throws(AviaryError) -> TemplateValue {
    guard let count = count.int else { throw AviaryError(.config, "text is repeated a fractional number of times") }
    guard count > 0, !text.isEmpty else { return .string(MarkedString()) }
    try admit(text.count, times: count)
    return .string(MarkedString(Array(repeating: text.scalars, count: count).joined()))
  }

  private func repeated(_ list: TemplateList, _ count: TemplateValue.Number) throws(AviaryError) -> TemplateValue {
    guard let count = count.int, list.kind != .iterator else {
      throw AviaryError(.config, "a list is repeated a fractional number of times, or a lazy one is")
    }
    guard count > 0, !list.items.isEmpty else { return try self.list([], list.kind) }
    let (cost, overflow) = list.items.count.multipliedReportingOverflow(by: count)
    try spend(overflow ? Int.max : cost)
    return try self.list(Array(Array(repeating: list.items, count: count).joined()), list.kind)
  }

  private func tooLarge() -> AviaryError {
    AviaryError(.config, "the result of arithmetic is too large", wanted: "an integer of 64 bits")
  }
  private func divisionByZero() -> AviaryError { AviaryError(.config, "division by zero") }

  private func integer(_ op: BinaryOperator, _ a: Int, _ b: Int) throws(AviaryError) -> Int {
    let (result, overflow): (Int, Bool)
    switch op {
    case .add: (result, overflow) = a.addingReportingOverflow(b)
    case .subtract: (result, overflow) = a.subtractingReportingOverflow(b)
    case .multiply: (result, overflow) = a.multipliedReportingOverflow(by: b)
    case .power: return try power(a, b)
    case .floorDivide, .remainder:
      guard b != 0 else { throw divisionByZero() }
      let (quotient, tooLarge) = a.dividedReportingOverflow(by: b)
      let (rest, _) = a.remainderReportingOverflow(dividingBy: b)
      // Python rounds down, the processor towards zero.
      let lower = rest != 0 && (rest < 0) != (b < 0)
      if op == .remainder { return lower ? rest + b : rest }
      (result, overflow) = (lower ? quotient - 1 : quotient, tooLarge)
    case .divide, .concatenate: throw AviaryError(.internal, "`\(op.rawValue)` is no operation on integers")
    }
    guard !overflow else { throw tooLarge() }
    return result
  }

  private func power(_ base: Int, _ exponent: Int) throws(AviaryError) -> Int {
    switch base {
    case 0: return exponent == 0 ? 1 : 0
    case 1: return 1
    case -1: return exponent % 2 == 0 ? 1 : -1
    default: break
    }
    guard exponent < 64 else { throw tooLarge() }
    var result = 1
    for _ in 0..<exponent {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      guard !overflow else { throw tooLarge() }
      result = product
    }
    return result
  }

  private func real(_ op: BinaryOperator, _ a: Double, _ b: Double) throws(AviaryError) -> Double {
    switch op {
    case .add: return a + b
    case .subtract: return a - b
    case .multiply: return a * b
    case .power: return try realPower(a, b)
    case .divide, .floorDivide, .remainder:
      guard b != 0 else { throw divisionByZero() }
      if op == .divide { return a / b }
      let rest = a.truncatingRemainder(dividingBy: b)
      let modulo = rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest
      return op == .remainder ? modulo : ((a - modulo) / b).rounded()
    case .concatenate: throw AviaryError(.internal, "`~` is no operation on numbers")
    }
  }

  /// Whole exponents only: a chat template has no use for roots, and the module needs no mathematics library.
  private func realPower(_ base: Double, _ exponent: Double) throws(AviaryError) -> Double {
    guard let count = Int(exactly: exponent), count.magnitude <= 1024 else {
      throw AviaryError(.config, "`**` has the exponent \(exponent)", wanted: "a whole number up to 1024")
    }
    var result = 1.0
    for _ in 0..<count.magnitude { result *= base }
    guard count < 0 else { return result }
    guard result != 0 else { throw divisionByZero() }
    return 1 / result
  }

  func negated(_ value: TemplateValue) throws(AviaryError) -> TemplateValue {
    guard let number = value.number else { throw AviaryError(.config, "`-` stands before \(value.description)") }
    guard let whole = number.int else { return .double(-number.double, trusted: number.trusted) }
    let (result, overflow) = (0).subtractingReportingOverflow(whole)
    guard !overflow else { throw tooLarge() }
    return .int(result, trusted: number.trusted)
  }

  func signed(_ value: TemplateValue) throws(AviaryError) -> TemplateValue {
    guard let number = value.number else { throw AviaryError(.config, "`+` stands before \(value.description)") }
    return .number(number)
  }

  // MARK: Comparison

  func holds(_ first: Expression, _ chain: [(op: Comparison, right: Expression)]) throws(AviaryError) -> Bool {
    var left = try evaluate(first)
    for (op, expression) in chain {
      let right = try evaluate(expression)
      guard try compare(op, left, right) else { return false }
      left = right
    }
    return true
  }

  func compare(_ op: Comparison, _ left: TemplateValue, _ right: TemplateValue) throws(AviaryError) -> Bool {
    switch op {
    case .equal: return try isEqual(left, right)
    case .notEqual: return !(try isEqual(left, right))
    case .less: return try isOrdered(left, right)
    case .greater: return try isOrdered(right, left)
    case .lessOrEqual: return try isOrdered(left, right) ? true : isEqual(left, right)
    case .greaterOrEqual: return try isOrdered(right, left) ? true : isEqual(left, right)
    case .isIn: return try contains(right, left)
    case .notIn: return !(try contains(right, left))
    }
  }

  func isEqual(_ left: TemplateValue, _ right: TemplateValue) throws(AviaryError) -> Bool {
    try spend()
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let a), .string(let b)):
      try spend(min(a.count, b.count) / 32)
      return a == b
    case (.list(let a), .list(let b)):
      guard a.kind == b.kind, a.items.count == b.items.count else { return false }
      for (x, y) in zip(a.items, b.items) where !(try isEqual(x, y)) { return false }
      return true
    case (.dict(let a), .dict(let b)):
      guard a.members.count == b.members.count else { return false }
      for (key, value) in a.members {
        guard let id = key.key, let other = b[id], try isEqual(value, other) else { return false }
      }
      return true
    default:
      guard let a = left.number, let b = right.number else { return false }
      if let x = a.int, let y = b.int { return x == y }
      return a.double == b.double
    }
  }

  /// Whether `left` stands before `right`: numbers by value, text by code points.
  func isOrdered(_ left: TemplateValue, _ right: TemplateValue) throws(AviaryError) -> Bool {
    try spend()
    if case .string(let a) = left, case .string(let b) = right {
      try spend(min(a.count, b.count) / 32)
      return a.scalars.lexicographicallyPrecedes(b.scalars) { $0.value < $1.value }
    }
    if let a = left.number, let b = right.number {
      if let x = a.int, let y = b.int { return x < y }
      return a.double < b.double
    }
    throw AviaryError(.config, "\(left.description) is compared with \(right.description)", wanted: "two of a kind")
  }

  func contains(_ whole: TemplateValue, _ part: TemplateValue) throws(AviaryError) -> Bool {
    try spend(on: whole)
    switch whole {
    case .string(let text):
      guard case .string(let wanted) = part else {
        throw AviaryError(.config, "\(part.description) is looked for in text", wanted: "text")
      }
      try spend(on: part)
      return wanted.isEmpty || !text.occurrences(of: wanted, most: 1).isEmpty
    case .list(let list):
      for item in list.items where try isEqual(item, part) { return true }
      return false
    case .dict(let dict): return part.key.map { dict[$0] != nil } ?? false
    case .undefined(let missing): throw AviaryError(.config, missing.description, wanted: "a list or text to search")
    default: throw AviaryError(.config, "\(whole.description) is searched", wanted: "a list or text")
    }
  }

  /// What a loop over the value visits.
  func items(of value: TemplateValue) throws(AviaryError) -> [TemplateValue] {
    switch value {
    case .list(let list): return list.items
    case .dict(let dict): return dict.members.map(\.key)
    case .string(let text):
      try spend(text.count)
      return text.scalars.map { .string(MarkedString(CollectionOfOne($0))) }
    case .undefined(let missing): throw AviaryError(.config, missing.description, wanted: "a list")
    default: throw AviaryError(.config, "\(value.description) is looped over", wanted: "a list, mapping or text")
    }
  }
}

import AviaryTensor

/// The tests that stand behind `is`.
extension Interpreter {
  func test(_ name: String, _ value: TemplateValue, _ arguments: Arguments) throws(AviaryError) -> Bool {
    if let comparison = Self.comparisons[name] {
      return try compare(comparison, value, required(arguments, ["other"], of: name)[0])
    }
    if name == "divisibleby" {
      let divisor = try integer(required(arguments, ["num"], of: name)[0], for: name)
      guard divisor != 0 else { throw AviaryError(.config, "`divisibleby` got 0") }
      // -1 divides everything; asking the processor could overflow.
      let number = try integer(value, for: name)
      return divisor == -1 || number % divisor == 0
    }
    if name == "sameas" {
      return try isSame(value, required(arguments, ["other"], of: name)[0])
    }
    _ = try arguments.bind([], of: name)
    switch name {
    case "odd": return try integer(value, for: name) % 2 != 0
    case "even": return try integer(value, for: name) % 2 == 0
    case "lower", "upper": return try isCased(name, value)
    default:
      guard let holds = Self.kinds[name] else {
        throw AviaryError(.config, "the test `\(name)` is unknown or refused in chat templates")
      }
      return holds(value)
    }
  }

  private static let comparisons: [String: Comparison] = [
    "eq": .equal, "equalto": .equal, "==": .equal, "ne": .notEqual, "!=": .notEqual, "lt": .less, "lessthan": .less,
    "<": .less, "le": .lessOrEqual, "<=": .lessOrEqual, "gt": .greater, "greaterthan": .greater, ">": .greater,
    "ge": .greaterOrEqual, ">=": .greaterOrEqual, "in": .isIn,
  ]

  private static let kinds: [String: @Sendable (TemplateValue) -> Bool] = [
    "defined": { if case .undefined = $0 { false } else { true } },
    "undefined": { if case .undefined = $0 { true } else { false } },
    "none": { if case .none = $0 { true } else { false } },
    "string": { if case .string = $0 { true } else { false } },
    "mapping": { if case .dict = $0 { true } else { false } },
    "boolean": { if case .bool = $0 { true } else { false } },
    "true": { if case .bool(true) = $0 { true } else { false } },
    "false": { if case .bool(false) = $0 { true } else { false } },
    "number": { $0.number != nil },
    "integer": { if case .number(let number) = $0 { number.int != nil } else { false } },
    "float": { if case .number(let number) = $0 { number.int == nil } else { false } },
    // Python's undefined value has a length and an iterator, so Jinja says yes to it here.
    "iterable": { isIterable($0) },
    "sequence": { if case .list(let list) = $0 { list.kind != .iterator } else { isIterable($0) } },
    "callable": {
      switch $0 {
      case .opaque(.macro), .opaque(.function), .opaque(.method): true
      default: false
      }
    },
  ]

  private static func isIterable(_ value: TemplateValue) -> Bool {
    switch value {
    case .string, .list, .dict, .undefined: true
    default: false
    }
  }

  /// Identity, for values that have one in Python too: none, booleans and the like.
  private func isSame(_ left: TemplateValue, _ right: TemplateValue) throws(AviaryError) -> Bool {
    switch (left, right) {
    case (.bool(let a), .bool(let b)): a == b
    case (.bool, _), (_, .bool): false
    default: try isEqual(left, right)
    }
  }

  private func isCased(_ name: String, _ value: TemplateValue) throws(AviaryError) -> Bool {
    let text = try text(of: value)
    let method = StringMethods.table[name == "lower" ? "islower" : "isupper"]
    guard case .bool(let holds)? = try method?(self, text, Arguments()) else { return false }
    return holds
  }
}

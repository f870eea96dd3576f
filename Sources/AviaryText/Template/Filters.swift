import AviaryTensor

/// The filters, by name. Each keeps the marks of what it passes on.
extension Interpreter {
  typealias Filter = @Sendable (Interpreter, TemplateValue, Arguments) throws(AviaryError) -> TemplateValue

  func apply(_ step: FilterStep, to value: TemplateValue) throws(AviaryError) -> TemplateValue {
    do {
      return try apply(step.name, to: value, try evaluate(step.arguments))
    } catch {
      throw locate(error, step.position)
    }
  }

  func apply(_ name: String, to value: TemplateValue, _ arguments: Arguments) throws(AviaryError) -> TemplateValue {
    try spend()
    try spend(on: value)
    guard let filter = Self.filters[name] else {
      throw AviaryError(.config, "the filter `\(name)` is unknown or refused in chat templates")
    }
    return try filter(self, value, arguments)
  }

  private static let filters: [String: Filter] = textFilters.merging(sequenceFilters) { first, _ in first }
    .merging(numberFilters) { first, _ in first }

  // MARK: Numbers and defaults

  private static let numberFilters: [String: Filter] = [
    "default": fallback, "d": fallback,
    "abs": { (_, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "abs")
      guard let number = value.number else { throw AviaryError(.config, "`abs` got \(value.description)") }
      guard let whole = number.int else { return .double(abs(number.double), trusted: number.trusted) }
      guard let size = Int(exactly: whole.magnitude) else { throw AviaryError(.config, "`abs` got too small a number") }
      return .int(size, trusted: number.trusted)
    },
    "int": toInteger,
    "float": toDouble,
    "round": round,
  ]

  private static func fallback(_: Interpreter, _ value: TemplateValue, _ arguments: Arguments) throws(AviaryError)
    -> TemplateValue
  {
    let bound = try arguments.bind(["default_value", "boolean"], of: "default")
    let other = bound[0] ?? .trusted("")
    if case .undefined = value { return other }
    guard case .bool(true)? = bound[1] else { return value }
    switch value {
    case .none, .bool(false): return other
    case .string(let text) where text.isEmpty: return other
    case .list(let list) where list.items.isEmpty && list.kind != .iterator: return other
    case .dict(let dict) where dict.members.isEmpty: return other
    case .number(let number) where number.double == 0: return other
    default: return value
    }
  }

  /// A text is as trusted a number as its scalars are.
  private static func toInteger(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["default", "base"], of: "int")
    if let base = bound[1], try interpreter.integer(base, for: "int") != 10 {
      throw AviaryError(.config, "`int` got a base", wanted: "10")
    }
    let fallback = bound[0] ?? .int(0)
    guard let (number, trusted) = number(value) else { return fallback }
    switch number {
    case .int(let whole): return .int(whole, trusted: trusted)
    case .double(let real):
      guard let whole = Int(exactly: real.rounded(.towardZero)) else { return fallback }
      return .int(whole, trusted: trusted)
    }
  }

  private static func toDouble(_: Interpreter, _ value: TemplateValue, _ arguments: Arguments) throws(AviaryError)
    -> TemplateValue
  {
    let fallback = try arguments.bind(["default"], of: "float")[0] ?? .double(0)
    guard let (number, trusted) = number(value) else { return fallback }
    return .double(TemplateValue.Number(number, trusted: trusted).double, trusted: trusted)
  }

  private static func number(_ value: TemplateValue) -> (TemplateValue.Number.Kind, trusted: Bool)? {
    if let number = value.number { return (number.kind, number.trusted) }
    guard case .string(let text) = value else { return nil }
    let spelling = text.stripped().plain
    if let whole = Int(spelling) { return (.int(whole), text.isTrusted) }
    // Swift also reads hexadecimal numbers here, which Python does not.
    guard !spelling.lowercased().contains("x"), let real = Double(spelling) else { return nil }
    return (.double(real), text.isTrusted)
  }

  private static func round(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["precision", "method"], of: "round")
    guard let number = value.number else { throw interpreter.unfit(value, for: "round", wanted: "a number") }
    let precision = try interpreter.integer(bound[0] ?? .int(0), for: "round")
    guard (0...15).contains(precision) else {
      throw AviaryError(.config, "`round` got the precision \(precision)", wanted: "0 to 15")
    }
    let rule: FloatingPointRoundingRule
    switch try interpreter.string(bound[1] ?? .trusted("common"), for: "round").plain {
    case "common":
      if number.int != nil { return .number(number) }
      rule = .toNearestOrEven
    case "ceil": rule = .up
    case "floor": rule = .down
    default: throw AviaryError(.config, "`round` got an unknown method", wanted: "common, ceil or floor")
    }
    let scale = (0..<precision).reduce(1.0) { power, _ in power * 10 }
    return .double((number.double * scale).rounded(rule) / scale, trusted: number.trusted)
  }
}

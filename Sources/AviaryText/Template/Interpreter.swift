import AviaryCore
import AviaryTensor

/// Runs one rendering of a template. It counts its steps, its depth and the length of every text it makes, so that
/// no template holds it for long or fills the memory.
final class Interpreter {
  let limits: Limits
  let now: TemplateDate?
  private let lines: LineMap
  private var steps = 0
  private var depth = 0
  /// Names and their values, the innermost scope last. The first is the template's own and always there.
  var scopes: [[String: TemplateValue]]
  /// What has been written, by the template or by the macro or block that is being captured.
  private var written = MarkedString()

  init(limits: Limits, lines: LineMap, now: TemplateDate?, variables: [String: TemplateValue]) {
    self.limits = limits
    self.lines = lines
    self.now = now
    scopes = [variables]
  }

  func render(_ body: [Statement]) throws(AviaryError) -> MarkedText {
    _ = try run(body)
    let text = written.marked
    guard text.utf8Count <= limits.templateOutputBytes else { throw tooLong() }
    return text
  }

  // MARK: Bounds

  func spend(_ cost: Int = 1) throws(AviaryError) {
    let (sum, overflow) = steps.addingReportingOverflow(cost)
    steps = sum
    guard !overflow, steps <= limits.templateSteps else {
      throw AviaryError(.limit, "the template takes too many steps", wanted: "at most \(limits.templateSteps)")
    }
  }

  /// Pays for touching a value's scalars or items.
  func spend(on value: TemplateValue) throws(AviaryError) {
    switch value {
    case .string(let text): try spend(text.count / 32)
    case .list(let list): try spend(list.items.count / 8)
    case .dict(let dict): try spend(dict.members.count / 8)
    default: break
    }
  }

  func enter() throws(AviaryError) {
    depth += 1
    guard depth <= limits.templateDepth else {
      throw AviaryError(
        .limit, "the template nests or calls itself too deeply", wanted: "at most \(limits.templateDepth) levels")
    }
  }
  func leave() { depth -= 1 }

  /// Pays for `added * factor` scalars and refuses the text of `existing` scalars that they would make too long.
  /// To be called before the text is made.
  func admit(_ added: Int, times factor: Int = 1, to existing: Int = 0) throws(AviaryError) {
    let (product, overflow) = added.multipliedReportingOverflow(by: factor)
    let (sum, overflows) = product.addingReportingOverflow(existing)
    guard !overflow, !overflows, sum <= limits.templateOutputBytes else { throw tooLong() }
    try spend(product / 32)
  }

  private func tooLong() -> AviaryError {
    AviaryError(
      .limit, "the template makes a text that is too long", wanted: "at most \(limits.templateOutputBytes) bytes")
  }

  /// Adds the place to an error that has none yet.
  func locate(_ error: AviaryError, _ position: Int) -> AviaryError {
    error.place.isEmpty ? error.at(lines.place(position)) : error
  }

  // MARK: Output

  func write(_ text: MarkedString) throws(AviaryError) {
    try admit(text.count, to: written.count)
    written.append(text)
  }

  /// What `body` writes, kept from the output.
  func capture(_ body: () throws(AviaryError) -> Void) throws(AviaryError) -> MarkedString {
    let outer = written
    written = MarkedString()
    try body()
    defer { written = outer }
    return written
  }

  // MARK: Making values

  func list(_ items: [TemplateValue], _ kind: TemplateList.Kind = .list) throws(AviaryError) -> TemplateValue {
    try spend(1 + items.count / 8)
    var depth = 1
    for item in items {
      depth = max(depth, item.depth + 1)
      try checkStorable(item)
    }
    try checkDepth(depth)
    return .list(TemplateList(items: items, kind: kind, depth: depth))
  }

  func dict(_ members: [(key: TemplateValue, value: TemplateValue)]) throws(AviaryError) -> TemplateValue {
    for (key, value) in members {
      try spend(on: key)
      try checkStorable(value)
    }
    try spend(1 + members.count)
    guard let dict = TemplateDict(members) else {
      throw AviaryError(.config, "a mapping has a key that is neither text, number, boolean nor none")
    }
    try checkDepth(dict.depth)
    return .dict(dict)
  }

  /// Namespaces, macros and the like stay out of other values, which could otherwise become cycles.
  func checkStorable(_ value: TemplateValue) throws(AviaryError) {
    if case .opaque(let opaque) = value {
      throw AviaryError(.config, "\(opaque.description) is put into another value", wanted: "text, numbers or lists")
    }
  }

  private func checkDepth(_ depth: Int) throws(AviaryError) {
    guard depth <= limits.templateDepth else {
      throw AviaryError(.limit, "a list is nested too deeply", wanted: "at most \(limits.templateDepth) levels")
    }
  }

  // MARK: Names

  /// Functions that every template may call.
  static let functions: Set<String> = ["range", "namespace", "raise_exception", "strftime_now", "dict"]
  /// Jinja's own that a chat template has no use for.
  static let refusedFunctions: Set<String> = ["cycler", "joiner", "lipsum"]

  func lookUp(_ name: String) throws(AviaryError) -> TemplateValue {
    for scope in scopes.reversed() {
      try spend()
      if let value = scope[name] { return value }
    }
    if Self.functions.contains(name) { return .opaque(.function(name)) }
    if Self.refusedFunctions.contains(name) {
      throw AviaryError(.config, "the function `\(name)` is refused in chat templates")
    }
    return .undefined(.variable(name))
  }

  func define(_ name: String, _ value: TemplateValue) {
    scopes[scopes.count - 1][name] = value
  }

  func withScope<T>(_ names: [String: TemplateValue] = [:], _ body: () throws(AviaryError) -> T) throws(AviaryError)
    -> T
  {
    scopes.append(names)
    defer { scopes.removeLast() }
    return try body()
  }
}

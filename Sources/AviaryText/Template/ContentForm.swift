/// Whether a template reads `message['content']` as a list of parts: it loops over it, takes a part by number, or
/// selects parts by attribute. A template that takes either form counts as one that reads parts.
///
/// Names that are set from a content, such as `{% set content = message.content %}`, count as contents too; so does
/// whatever is called `content`, since templates hand it to macros under that name.
func readsParts(_ body: [Statement]) -> Bool {
  var search = PartsSearch()
  // A second pass sees the loops that stand before the `set` of the name they use, as in a macro.
  search.visit(body)
  search.visit(body)
  return search.found
}

private struct PartsSearch {
  private(set) var found = false
  private var names: Set<String> = ["content"]

  mutating func visit(_ body: [Statement]) {
    for statement in body { visit(statement) }
  }

  private mutating func visit(_ statement: Statement) {
    switch statement {
    case .text, .breakLoop, .continueLoop: break
    case .output(let expression): visit(expression)
    case .branches(let branches, let otherwise):
      for (test, body) in branches {
        visit(test)
        visit(body)
      }
      visit(otherwise)
    case .loop(let loop):
      if isContent(loop.iterable) { found = true }
      visit(loop.iterable)
      loop.filter.map { visit($0) }
      visit(loop.body)
      visit(loop.otherwise)
    case .set(let target, let value, _): assign(target, value)
    case .setBlock(_, let steps, let body, _), .filterBlock(let steps, let body):
      for step in steps { visit(step.arguments) }
      visit(body)
    case .with(let list, let body, _):
      for (target, value) in list { assign(target, value) }
      visit(body)
    case .scope(let body): visit(body)
    case .macro(let macro):
      for (_, fallback) in macro.parameters { fallback.map { visit($0) } }
      visit(macro.body)
    }
  }

  private mutating func assign(_ target: Target, _ value: Expression) {
    if case .name(let name) = target, isContent(value) { names.insert(name) }
    visit(value)
  }

  private mutating func visit(_ arguments: CallArguments) {
    for argument in arguments.positional { visit(argument) }
    for (_, argument) in arguments.named { visit(argument) }
  }

  private mutating func visit(_ expression: Expression) {
    switch expression.kind {
    case .literal, .name: break
    case .list(let items), .tuple(let items): for item in items { visit(item) }
    case .dict(let members):
      for (key, value) in members {
        visit(key)
        visit(value)
      }
    case .negative(let part), .positive(let part), .not(let part), .attribute(let part, _): visit(part)
    case .and(let left, let right), .or(let left, let right), .binary(_, let left, let right):
      visit(left)
      visit(right)
    case .compare(let left, let chain):
      visit(left)
      for (_, right) in chain { visit(right) }
    case .conditional(let test, let then, let otherwise):
      visit(test)
      visit(then)
      otherwise.map { visit($0) }
    case .subscripted(let base, let key):
      if isContent(base), case .literal(.int) = key.kind { found = true }
      visit(base)
      visit(key)
    case .slice(let base, let start, let stop, let step):
      for part in [base, start, stop, step].compactMap({ $0 }) { visit(part) }
    case .call(let callee, let arguments):
      visit(callee)
      visit(arguments)
    case .filter(let base, let step):
      if isContent(base), ["selectattr", "rejectattr", "map"].contains(step.name) { found = true }
      visit(base)
      visit(step.arguments)
    case .test(let base, _, let arguments, _):
      visit(base)
      visit(arguments)
    }
  }

  /// Whether the expression is a message's content as it stands.
  private func isContent(_ expression: Expression) -> Bool {
    switch expression.kind {
    case .name(let name): return names.contains(name)
    case .attribute(_, let name): return name == "content"
    case .subscripted(_, let key):
      if case .literal(.string(let text)) = key.kind { return text.plain == "content" }
      return false
    case .conditional(_, let then, let otherwise):
      return isContent(then) || (otherwise.map { isContent($0) } ?? false)
    default: return false
    }
  }
}

/// An expression of a template. A class, so that a loop may visit it without copying; immutable, so that a parsed
/// template is `Sendable`.
final class Expression: Sendable {
  enum Kind: Sendable {
    case literal(Literal)
    case name(String)
    case list([Expression])
    case tuple([Expression])
    case dict([(key: Expression, value: Expression)])
    case negative(Expression)
    case positive(Expression)
    case not(Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
    case binary(BinaryOperator, Expression, Expression)
    case compare(Expression, [(op: Comparison, right: Expression)])
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    case attribute(Expression, String)
    case subscripted(Expression, Expression)
    case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
    case call(Expression, CallArguments)
    case filter(Expression, FilterStep)
    case test(Expression, name: String, CallArguments, negated: Bool)
  }

  let kind: Kind
  /// Where it stands: an offset in the template's scalars.
  let position: Int
  /// Levels of expressions below and with it.
  let depth: Int

  init(_ kind: Kind, at position: Int, depth: Int) {
    self.kind = kind
    self.position = position
    self.depth = depth
  }
}

enum Literal: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(MarkedString)
}

enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
  case concatenate = "~"
}

enum Comparison: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case isIn = "in"
  case notIn = "not in"
}

struct CallArguments: Sendable {
  var positional: [Expression] = []
  var named: [(name: String, value: Expression)] = []
}

/// `| name(arguments)`.
struct FilterStep: Sendable {
  let name: String
  let arguments: CallArguments
  let position: Int
}

/// What `set` and `for` assign to.
enum Target: Sendable {
  case name(String)
  case attribute(of: String, String)
  indirect case tuple([Target])
}

enum Statement: Sendable {
  case text(MarkedString)
  case output(Expression)
  case branches([(test: Expression, body: [Statement])], otherwise: [Statement])
  case loop(LoopStatement)
  case set(Target, Expression, position: Int)
  case setBlock(Target, [FilterStep], body: [Statement], position: Int)
  case filterBlock([FilterStep], body: [Statement])
  case with([(Target, Expression)], body: [Statement], position: Int)
  /// A body with names of its own, such as `generation`.
  case scope([Statement])
  case macro(MacroDefinition)
  case breakLoop
  case continueLoop
}

final class LoopStatement: Sendable {
  let target: Target
  let iterable: Expression
  let filter: Expression?
  let body: [Statement]
  let otherwise: [Statement]
  let position: Int

  init(
    target: Target, iterable: Expression, filter: Expression?, body: [Statement], otherwise: [Statement],
    position: Int
  ) {
    self.target = target
    self.iterable = iterable
    self.filter = filter
    self.body = body
    self.otherwise = otherwise
    self.position = position
  }
}

final class MacroDefinition: Sendable {
  let name: String
  let parameters: [(name: String, fallback: Expression?)]
  let body: [Statement]

  init(name: String, parameters: [(name: String, fallback: Expression?)], body: [Statement]) {
    self.name = name
    self.parameters = parameters
    self.body = body
  }
}

/// Turns offsets into "line 3, column 7".
struct LineMap: Sendable {
  private let starts: [Int]

  init(_ scalars: [Unicode.Scalar]) {
    starts = [0] + scalars.indices.filter { scalars[$0] == "\n" }.map { $0 + 1 }
  }

  func place(_ offset: Int) -> String {
    let line = max(0, (starts.firstIndex { $0 > offset } ?? starts.count) - 1)
    return "line \(line + 1), column \(offset - starts[line] + 1)"
  }
}

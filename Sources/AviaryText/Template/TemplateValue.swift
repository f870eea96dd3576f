import AviaryTensor

/// What an expression of a template yields. Strings carry marks, and so do numbers: one that was read from a
/// message's text, or measured on it, prints as untrusted digits.
enum TemplateValue {
  case undefined(Missing)
  case none
  case bool(Bool)
  case number(Number)
  case string(MarkedString)
  case list(TemplateList)
  case dict(TemplateDict)
  case opaque(Opaque)

  static func int(_ value: Int, trusted: Bool = true) -> TemplateValue {
    .number(Number(.int(value), trusted: trusted))
  }
  static func double(_ value: Double, trusted: Bool = true) -> TemplateValue {
    .number(Number(.double(value), trusted: trusted))
  }
  static func trusted(_ text: String) -> TemplateValue { .string(MarkedString(text, trusted: true)) }

  /// What is missing, for the error that its use gives.
  enum Missing: Sendable {
    case variable(String)
    case member(String)
    /// The value of `x if test` where the test fails: it prints as nothing, as Jinja defines it.
    case alternative

    var description: String {
      switch self {
      case .variable(let name): "the variable `\(name)` is undefined"
      case .member(let name): "the member `\(name)` is undefined"
      case .alternative: "a conditional expression without `else` has no value"
      }
    }
  }

  struct Number {
    enum Kind {
      case int(Int)
      case double(Double)
    }
    let kind: Kind
    let trusted: Bool

    init(_ kind: Kind, trusted: Bool) {
      self.kind = kind
      self.trusted = trusted
    }

    var double: Double {
      switch kind {
      case .int(let value): Double(value)
      case .double(let value): value
      }
    }
    var int: Int? { if case .int(let value) = kind { value } else { nil } }
  }

  /// What a template may hold and use, but neither print nor put into a list. That keeps values trees.
  enum Opaque {
    case namespace(Namespace)
    case macro(MacroDefinition, scopes: Int)
    case loop(LoopState)
    case function(String)
    case method(String)

    var description: String {
      switch self {
      case .namespace: "a namespace"
      case .macro(let macro, _): "the macro `\(macro.name)`"
      case .loop: "the loop variable"
      case .function(let name): "the function `\(name)`"
      case .method(let name): "the method `\(name)`"
      }
    }
  }

  /// What the value is, for error messages.
  var description: String {
    switch self {
    case .undefined(let missing): missing.description
    case .none: "none"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .list(let list): list.kind == .tuple ? "a tuple" : "a list"
    case .dict: "a mapping"
    case .opaque(let opaque): opaque.description
    }
  }

  /// Levels of lists and mappings below and with this one.
  var depth: Int {
    switch self {
    case .list(let list): list.depth
    case .dict(let dict): dict.depth
    default: 0
    }
  }

  /// The number that a boolean or number is to arithmetic; Python counts true as 1.
  var number: Number? {
    switch self {
    case .number(let number): number
    case .bool(let value): Number(.int(value ? 1 : 0), trusted: true)
    default: nil
    }
  }
}

/// A sequence. Immutable, as transformers' sandbox has them.
struct TemplateList {
  enum Kind {
    case list, tuple
    /// What a lazy filter such as `map` gives: always true, without a length, not printable.
    case iterator
  }
  let items: [TemplateValue]
  let kind: Kind
  let depth: Int
}

/// A mapping that keeps the order of its members. Immutable.
final class TemplateDict {
  /// What keys are compared by: True, 1 and 1.0 are one key, as in Python.
  enum Key: Hashable {
    case none
    case number(Double)
    case text([UInt32])
  }
  let members: [(key: TemplateValue, value: TemplateValue)]
  let depth: Int
  private let positions: [Key: Int]

  /// - Returns: nil where a key is of a type that cannot be one. A later member replaces an earlier one's value.
  init?(_ list: [(key: TemplateValue, value: TemplateValue)]) {
    var members: [(key: TemplateValue, value: TemplateValue)] = []
    var positions: [Key: Int] = [:]
    for (key, value) in list {
      guard let id = key.key else { return nil }
      if let known = positions[id] {
        members[known].value = value
      } else {
        positions[id] = members.count
        members.append((key, value))
      }
    }
    self.members = members
    self.positions = positions
    depth = (members.lazy.map(\.value.depth).max() ?? 0) + 1
  }

  subscript(key: Key) -> TemplateValue? { positions[key].map { members[$0].value } }
  subscript(name: String) -> TemplateValue? { self[.text(name.unicodeScalars.map(\.value))] }
}

extension TemplateValue {
  var key: TemplateDict.Key? {
    switch self {
    case .none: TemplateDict.Key.none
    case .bool(let value): .number(value ? 1 : 0)
    case .number(let number): .number(number.double)
    case .string(let text): .text(text.key)
    default: nil
    }
  }
}

/// `namespace(...)`: the one value whose members can be set.
final class Namespace {
  var members: [String: TemplateValue] = [:]
}

/// The `loop` variable.
final class LoopState {
  let items: [TemplateValue]
  var index = 0

  init(_ items: [TemplateValue]) { self.items = items }

  subscript(name: String) -> TemplateValue? {
    switch name {
    case "index": .int(index + 1)
    case "index0": .int(index)
    case "revindex": .int(items.count - index)
    case "revindex0": .int(items.count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == items.count - 1)
    case "length": .int(items.count)
    // They count recursive loops, which are refused.
    case "depth": .int(1)
    case "depth0": .int(0)
    case "previtem": index > 0 ? items[index - 1] : .undefined(.member("loop.previtem"))
    case "nextitem": index + 1 < items.count ? items[index + 1] : .undefined(.member("loop.nextitem"))
    default: nil
    }
  }
}

/// The arguments of a call, evaluated.
struct Arguments {
  var positional: [TemplateValue] = []
  var named: [(name: String, value: TemplateValue)] = []

  /// The arguments in the order of `parameters`; nil where one was not given.
  func bind(_ parameters: [String], of callee: String) throws(AviaryError) -> [TemplateValue?] {
    guard positional.count <= parameters.count else {
      throw AviaryError(
        .config, "`\(callee)` got \(positional.count) arguments", wanted: "at most \(parameters.count)")
    }
    var bound: [TemplateValue?] = positional
    bound += [TemplateValue?](repeating: nil, count: parameters.count - positional.count)
    for (name, value) in named {
      guard let place = parameters.firstIndex(of: name), case nil = bound[place] else {
        throw AviaryError(
          .config, "`\(callee)` got an unknown or repeated argument `\(name)`",
          wanted: parameters.isEmpty ? "no arguments" : parameters.joined(separator: ", "))
      }
      bound[place] = value
    }
    return bound
  }
}

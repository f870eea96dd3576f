import AviaryTensor

/// Filters over lists and mappings.
extension Interpreter {
  static let sequenceFilters: [String: Filter] = [
    "length": length, "count": length,
    "first": { (interpreter, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "first")
      return try interpreter.items(of: value).first ?? .undefined(.member("first"))
    },
    "last": { (interpreter, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "last")
      return try interpreter.items(of: value).last ?? .undefined(.member("last"))
    },
    "list": { (interpreter, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "list")
      return try interpreter.list(interpreter.items(of: value))
    },
    "reverse": { (interpreter, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "reverse")
      if case .string(let text) = value { return .string(MarkedString(text.scalars.reversed())) }
      return try interpreter.list(interpreter.items(of: value).reversed(), .iterator)
    },
    "items": { (interpreter, value, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "items")
      guard case .dict(let dict) = value else { throw interpreter.unfit(value, for: "items", wanted: "a mapping") }
      return try interpreter.pairs(dict.members, .iterator)
    },
    "join": join,
    "map": map,
    "select": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.chosen("select", value, arguments, byAttribute: false, keeps: true)
    },
    "reject": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.chosen("reject", value, arguments, byAttribute: false, keeps: false)
    },
    "selectattr": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.chosen("selectattr", value, arguments, byAttribute: true, keeps: true)
    },
    "rejectattr": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.chosen("rejectattr", value, arguments, byAttribute: true, keeps: false)
    },
    "dictsort": sortMembers,
    "sort": sort,
    "unique": unique,
    "sum": sum,
    "min": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.extreme("min", value, arguments, largest: false)
    },
    "max": { (interpreter, value, arguments) throws(AviaryError) in
      try interpreter.extreme("max", value, arguments, largest: true)
    },
  ]

  private static func length(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    _ = try arguments.bind([], of: "length")
    switch value {
    case .string(let text): return .int(text.count, trusted: text.isTrusted)
    case .list(let list):
      guard list.kind != .iterator else { throw interpreter.noLength() }
      return .int(list.items.count)
    case .dict(let dict): return .int(dict.members.count)
    default: throw interpreter.unfit(value, for: "length", wanted: "text, a list or a mapping")
    }
  }

  private static func join(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["d", "attribute"], of: "join")
    let separator = try interpreter.text(of: bound[0] ?? .trusted(""))
    var pieces: [MarkedString] = []
    for item in try interpreter.items(of: value) {
      pieces.append(try interpreter.text(of: interpreter.member(bound[1], of: item)))
    }
    return .string(try interpreter.join(pieces, with: separator))
  }

  // MARK: Members of items

  /// The member that a path such as `"function.name"` leads to; the item itself without a path.
  private func member(_ path: TemplateValue?, of item: TemplateValue) throws(AviaryError) -> TemplateValue {
    switch path {
    case nil, .some(.none): return item
    case .some(.string(let path)):
      var value = item
      for part in path.split(MarkedString(".", trusted: true)) {
        try spend()
        value = try self.item(Int(part.plain).map { .int($0) } ?? .string(part), of: value)
      }
      return value
    case .some(let index): return try self.item(index, of: item)
    }
  }

  private static func map(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    var results: [TemplateValue] = []
    let items = try interpreter.items(of: value)
    if arguments.positional.isEmpty {
      let bound = try arguments.bind(["attribute", "default"], of: "map")
      guard let path = bound[0] else { throw AviaryError(.config, "`map` got neither a filter nor an attribute") }
      for item in items {
        let member = try interpreter.member(path, of: item)
        if case .undefined = member, let other = bound[1] { results.append(other) } else { results.append(member) }
      }
    } else {
      let name = try interpreter.string(arguments.positional[0], for: "map").plain
      let rest = Arguments(positional: Array(arguments.positional.dropFirst()), named: arguments.named)
      for item in items { results.append(try interpreter.apply(name, to: item, rest)) }
    }
    return try interpreter.list(results, .iterator)
  }

  /// The items whose value, or member of that name, passes a test (or is true where none is named).
  private func chosen(
    _ callee: String, _ value: TemplateValue, _ arguments: Arguments, byAttribute: Bool, keeps: Bool
  ) throws(AviaryError) -> TemplateValue {
    var rest = arguments
    guard !byAttribute || !rest.positional.isEmpty else {
      throw AviaryError(.config, "`\(callee)` got no attribute")
    }
    let path = byAttribute ? rest.positional.removeFirst() : nil
    let name = rest.positional.isEmpty ? nil : try string(rest.positional.removeFirst(), for: callee).plain
    var kept: [TemplateValue] = []
    for item in try items(of: value) {
      try spend()
      let subject = try member(path, of: item)
      let passes = if let name { try test(name, subject, rest) } else { try isTrue(subject) }
      if passes == keeps { kept.append(item) }
    }
    return try list(kept, .iterator)
  }

  // MARK: Order

  /// What an item is sorted by: text without regard to case, unless asked for.
  private func sortKey(_ value: TemplateValue, caseSensitive: Bool) throws(AviaryError) -> TemplateValue {
    guard !caseSensitive, case .string(let text) = value else { return value }
    try spend(text.count / 32)
    return .string(text.lowercased())
  }

  private static func sort(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["reverse", "case_sensitive", "attribute"], of: "sort")
    let items = try interpreter.items(of: value)
    var keys: [TemplateValue] = []
    for item in items {
      let member = try interpreter.member(bound[2], of: item)
      keys.append(try interpreter.sortKey(member, caseSensitive: interpreter.flag(bound[1])))
    }
    return try interpreter.list(interpreter.sorted(items, by: keys, reverse: interpreter.flag(bound[0])))
  }

  private static func sortMembers(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["case_sensitive", "by", "reverse"], of: "dictsort")
    guard case .dict(let dict) = value else { throw interpreter.unfit(value, for: "dictsort", wanted: "a mapping") }
    let by = try interpreter.string(bound[1] ?? .trusted("key"), for: "dictsort").plain
    guard by == "key" || by == "value" else {
      throw AviaryError(.config, "`dictsort` got an unknown order", wanted: "by key or by value")
    }
    var keys: [TemplateValue] = []
    for (key, value) in dict.members {
      keys.append(try interpreter.sortKey(by == "key" ? key : value, caseSensitive: interpreter.flag(bound[0])))
    }
    return try interpreter.pairs(
      interpreter.sorted(dict.members, by: keys, reverse: interpreter.flag(bound[2])))
  }

  private static func unique(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["case_sensitive", "attribute"], of: "unique")
    var seen: Set<TemplateDict.Key> = []
    var kept: [TemplateValue] = []
    for item in try interpreter.items(of: value) {
      let member = try interpreter.member(bound[1], of: item)
      try interpreter.spend(on: member)
      guard let key = try interpreter.sortKey(member, caseSensitive: interpreter.flag(bound[0])).key else {
        throw interpreter.unfit(member, for: "unique", wanted: "text or numbers")
      }
      if seen.insert(key).inserted { kept.append(item) }
    }
    return try interpreter.list(kept, .iterator)
  }

  private static func sum(_ interpreter: Interpreter, _ value: TemplateValue, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["attribute", "start"], of: "sum")
    var total = bound[1] ?? .int(0)
    for item in try interpreter.items(of: value) {
      try interpreter.spend()
      total = try interpreter.combine(.add, total, interpreter.member(bound[0], of: item))
    }
    return total
  }

  private func extreme(_ callee: String, _ value: TemplateValue, _ arguments: Arguments, largest: Bool)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["case_sensitive", "attribute"], of: callee)
    let items = try items(of: value)
    var keys: [TemplateValue] = []
    for item in items {
      keys.append(try sortKey(member(bound[1], of: item), caseSensitive: flag(bound[0])))
    }
    return try sorted(items, by: keys, reverse: largest).first ?? .undefined(.member(callee))
  }
}

import AviaryTensor

/// The methods of text that templates use, as Python's `str` has them.
enum StringMethods {
  typealias Method = @Sendable (Interpreter, MarkedString, Arguments) throws(AviaryError) -> TemplateValue

  static let table: [String: Method] = [
    "upper": mapped("upper") { $0.uppercased() },
    "lower": mapped("lower") { $0.lowercased() },
    "capitalize": mapped("capitalize") { $0.capitalized() },
    "title": mapped("title", title),
    "swapcase": mapped("swapcase", swapCase),
    "strip": strip,
    "lstrip": stripping("lstrip", left: true, right: false),
    "rstrip": stripping("rstrip", left: false, right: true),
    "split": split,
    "rsplit": rsplit,
    "splitlines": splitLines,
    "partition": partition,
    "startswith": affix("startswith") { $0.scalars.starts(with: $1.scalars) { $0.value == $1.value } },
    "endswith": affix("endswith") { text, end in
      text.scalars.suffix(end.count).elementsEqual(end.scalars) { $0.value == $1.value }
    },
    "removeprefix": removePrefix,
    "removesuffix": removeSuffix,
    "replace": replace,
    "find": find,
    "rfind": rfind,
    "count": count,
    "join": join,
    "isdigit": every("isdigit") { [.digit, .decimal].contains($0.scalar.properties.numericType) },
    "isalpha": every("isalpha", isLetter),
    "isalnum": every("isalnum", isLetterOrNumber),
    "isspace": every("isspace") { $0.isSpace },
    "isupper": cased("isupper") { $0.scalar.properties.isUppercase },
    "islower": cased("islower") { $0.scalar.properties.isLowercase },
  ]

  // MARK: Makers of methods

  static func mapped(_ name: String, _ change: @escaping @Sendable (MarkedString) -> MarkedString) -> Method {
    { (interpreter, text, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: name)
      try interpreter.admit(text.count)
      return .string(change(text))
    }
  }

  static let strip = stripping("strip", left: true, right: true)

  private static func stripping(_ name: String, left: Bool, right: Bool) -> Method {
    { (interpreter, text, arguments) throws(AviaryError) in
      switch try arguments.bind(["chars"], of: name)[0] {
      case nil, .some(.none): return .string(text.stripped(left: left, right: right))
      case .some(let chars):
        let set = Set(try interpreter.string(chars, for: name).key)
        return .string(text.stripped(left: left, right: right) { set.contains($0.value) })
      }
    }
  }

  /// A test of how a text begins or ends; it takes one text or a tuple of them.
  private static func affix(_ name: String, _ fits: @escaping @Sendable (MarkedString, MarkedString) -> Bool) -> Method
  {
    { (interpreter, text, arguments) throws(AviaryError) in
      let wanted = try interpreter.required(arguments, [name == "startswith" ? "prefix" : "suffix"], of: name)[0]
      guard case .list(let choices) = wanted else {
        return .bool(fits(text, try interpreter.string(wanted, for: name)))
      }
      for choice in choices.items {
        try interpreter.spend(on: choice)
        if fits(text, try interpreter.string(choice, for: name)) { return .bool(true) }
      }
      return .bool(false)
    }
  }

  private static func every(_ name: String, _ holds: @escaping @Sendable (MarkedScalar) -> Bool) -> Method {
    { (_, text, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: name)
      return .bool(!text.isEmpty && text.scalars.allSatisfy(holds))
    }
  }

  /// Whether the text has letters with case, all of them of the one case.
  private static func cased(_ name: String, _ holds: @escaping @Sendable (MarkedScalar) -> Bool) -> Method {
    { (_, text, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: name)
      let letters = text.scalars.filter { $0.scalar.properties.isUppercase || $0.scalar.properties.isLowercase }
      return .bool(!letters.isEmpty && letters.allSatisfy(holds))
    }
  }

  @Sendable private static func isLetter(_ scalar: MarkedScalar) -> Bool {
    switch scalar.scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
    default: false
    }
  }

  @Sendable static func isLetterOrNumber(_ scalar: MarkedScalar) -> Bool {
    isLetter(scalar) || scalar.scalar.properties.numericType != nil
  }

  // MARK: Case

  /// `str.title`: a capital wherever a letter follows something that is none.
  @Sendable private static func title(_ text: MarkedString) -> MarkedString {
    var result = MarkedString()
    var insideWord = false
    for scalar in text.scalars {
      let properties = scalar.scalar.properties
      result.scalars += scalar.with(insideWord ? properties.lowercaseMapping : properties.titlecaseMapping)
      insideWord = properties.isCased
    }
    return result
  }

  @Sendable private static func swapCase(_ text: MarkedString) -> MarkedString {
    MarkedString(
      text.scalars.flatMap { scalar in
        let properties = scalar.scalar.properties
        return scalar.with(properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping)
      })
  }

  // MARK: Cutting

  /// Separator and greatest number of cuts of `split` and `rsplit`.
  private static func cuts(_ interpreter: Interpreter, _ arguments: Arguments, _ name: String) throws(AviaryError)
    -> (separator: MarkedString?, most: Int)
  {
    let bound = try arguments.bind(["sep", "maxsplit"], of: name)
    let most = try interpreter.integer(bound[1] ?? .int(-1), for: name)
    switch bound[0] {
    case nil, .some(.none): return (nil, most < 0 ? .max : most)
    case .some(let value):
      let separator = try interpreter.string(value, for: name)
      guard !separator.isEmpty else { throw AviaryError(.config, "`\(name)` got an empty separator") }
      return (separator, most < 0 ? .max : most)
    }
  }

  private static func split(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let (separator, most) = try cuts(interpreter, arguments, "split")
    let pieces = separator.map { text.split($0, most: most) } ?? words(text, most: most)
    try interpreter.spend(pieces.count)
    return try interpreter.list(pieces.map { .string($0) })
  }

  /// `split` from the right, which is `split` of the text in reverse.
  private static func rsplit(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let (separator, most) = try cuts(interpreter, arguments, "rsplit")
    let reversed = MarkedString(text.scalars.reversed())
    let pieces =
      separator.map { reversed.split(MarkedString($0.scalars.reversed()), most: most) } ?? words(reversed, most: most)
    try interpreter.spend(pieces.count)
    return try interpreter.list(pieces.reversed().map { .string(MarkedString($0.scalars.reversed())) })
  }

  private static func words(_ text: MarkedString, most: Int) -> [MarkedString] {
    var words: [MarkedString] = []
    var rest = text.scalars.drop { $0.isSpace }
    while !rest.isEmpty {
      let end = words.count < most ? rest.firstIndex { $0.isSpace } ?? rest.endIndex : rest.endIndex
      words.append(MarkedString(rest[..<end]))
      rest = rest[end...].drop { $0.isSpace }
    }
    return words
  }

  private static func splitLines(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    _ = try arguments.bind([], of: "splitlines")
    let lines = text.lines()
    try interpreter.spend(lines.count)
    return try interpreter.list(lines.map { .string($0) })
  }

  private static func partition(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let separator = try interpreter.string(
      interpreter.required(arguments, ["sep"], of: "partition")[0], for: "partition")
    guard let place = text.occurrences(of: separator, most: 1).first else {
      return try interpreter.list([.string(text), .trusted(""), .trusted("")], .tuple)
    }
    let end = place + separator.count
    let parts = [text.scalars[..<place], text.scalars[place..<end], text.scalars[end...]]
    return try interpreter.list(parts.map { .string(MarkedString($0)) }, .tuple)
  }

  private static func removePrefix(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let values = try interpreter.required(arguments, ["prefix"], of: "removeprefix")
    let prefix = try interpreter.string(values[0], for: "removeprefix")
    let fits = text.scalars.starts(with: prefix.scalars) { $0.value == $1.value }
    return .string(fits ? MarkedString(text.scalars.dropFirst(prefix.count)) : text)
  }

  private static func removeSuffix(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let values = try interpreter.required(arguments, ["suffix"], of: "removesuffix")
    let suffix = try interpreter.string(values[0], for: "removesuffix")
    let fits = MarkedString(text.scalars.suffix(suffix.count)) == suffix
    return .string(fits ? MarkedString(text.scalars.dropLast(suffix.count)) : text)
  }

  // MARK: Searching

  static func replace(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let bound = try arguments.bind(["old", "new", "count"], of: "replace")
    guard let old = bound[0], let new = bound[1] else {
      throw AviaryError(.config, "`replace` got too few arguments", wanted: "old and new")
    }
    let most: Int
    switch bound[2] {
    case nil, .some(.none): most = .max
    case .some(let value):
      let count = try interpreter.integer(value, for: "replace")
      most = count < 0 ? .max : count
    }
    return .string(
      try interpreter.replace(
        in: text, try interpreter.string(old, for: "replace"), with: try interpreter.string(new, for: "replace"),
        most: most))
  }

  private static func found(
    _ name: String, _ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments, most: Int = .max
  ) throws(AviaryError) -> (places: [Int], trusted: Bool) {
    let wanted = try interpreter.string(interpreter.required(arguments, ["sub"], of: name)[0], for: name)
    try interpreter.spend(wanted.count / 32)
    guard !wanted.isEmpty else { throw AviaryError(.config, "`\(name)` got an empty text to look for") }
    return (text.occurrences(of: wanted, most: most), text.isTrusted && wanted.isTrusted)
  }

  private static func find(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let (places, trusted) = try found("find", interpreter, text, arguments, most: 1)
    return .int(places.first ?? -1, trusted: trusted)
  }

  private static func rfind(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    // Overlapping places count here, so the search runs over the text in reverse.
    let values = try interpreter.required(arguments, ["sub"], of: "rfind")
    let wanted = try interpreter.string(values[0], for: "rfind")
    let reversed = MarkedString(text.scalars.reversed())
    let place = reversed.occurrences(of: MarkedString(wanted.scalars.reversed()), most: 1).first
    return .int(place.map { text.count - $0 - wanted.count } ?? -1, trusted: text.isTrusted && wanted.isTrusted)
  }

  private static func count(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let (places, trusted) = try found("count", interpreter, text, arguments)
    return .int(places.count, trusted: trusted)
  }

  private static func join(_ interpreter: Interpreter, _ text: MarkedString, _ arguments: Arguments)
    throws(AviaryError) -> TemplateValue
  {
    let items = try interpreter.items(of: interpreter.required(arguments, ["iterable"], of: "join")[0])
    var pieces: [MarkedString] = []
    for item in items { pieces.append(try interpreter.string(item, for: "join")) }
    return .string(try interpreter.join(pieces, with: text))
  }
}

/// The methods of mappings.
enum DictMethods {
  static let table: [String: @Sendable (Interpreter, TemplateDict, Arguments) throws(AviaryError) -> TemplateValue] = [
    "items": { (interpreter, dict, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "items")
      return try interpreter.pairs(dict.members)
    },
    "keys": { (interpreter, dict, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "keys")
      return try interpreter.list(dict.members.map(\.key))
    },
    "values": { (interpreter, dict, arguments) throws(AviaryError) in
      _ = try arguments.bind([], of: "values")
      return try interpreter.list(dict.members.map(\.value))
    },
    "get": { (interpreter, dict, arguments) throws(AviaryError) in
      let bound = try arguments.bind(["key", "default"], of: "get")
      guard let key = bound[0]?.key else { throw AviaryError(.config, "`get` got no key that a mapping can have") }
      return dict[key] ?? bound[1] ?? .none
    },
  ]
}

/// The methods of lists. Those that would change a list are refused, as transformers' sandbox refuses them.
enum ListMethods {
  static let table: [String: @Sendable (Interpreter, TemplateList, Arguments) throws(AviaryError) -> TemplateValue] = [
    "index": { (interpreter, list, arguments) throws(AviaryError) in
      let wanted = try interpreter.required(arguments, ["value"], of: "index")[0]
      for (place, item) in list.items.enumerated() where try interpreter.isEqual(item, wanted) { return .int(place) }
      throw AviaryError(.config, "`index` does not find its value in the list")
    },
    "count": { (interpreter, list, arguments) throws(AviaryError) in
      let wanted = try interpreter.required(arguments, ["value"], of: "count")[0]
      var count = 0
      for item in list.items where try interpreter.isEqual(item, wanted) { count += 1 }
      return .int(count)
    },
    "append": refused("append"), "extend": refused("extend"), "insert": refused("insert"), "pop": refused("pop"),
    "remove": refused("remove"), "clear": refused("clear"), "sort": refused("sort"), "reverse": refused("reverse"),
  ]

  private static func refused(_ name: String)
    -> @Sendable (Interpreter, TemplateList, Arguments) throws(AviaryError) -> TemplateValue
  {
    { (_, _, _) throws(AviaryError) in
      throw AviaryError(.config, "the method `\(name)` is refused: it changes a list", wanted: "`+` and `set`")
    }
  }
}

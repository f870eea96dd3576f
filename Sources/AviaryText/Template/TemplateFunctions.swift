import AviaryTensor

/// The functions of templates, and what filters and methods share.
extension Interpreter {
  func callFunction(_ name: String, _ arguments: Arguments) throws(AviaryError) -> TemplateValue {
    switch name {
    case "range": return try range(arguments)
    case "dict": return try dict(members(arguments))
    case "namespace":
      let namespace = Namespace()
      for (key, value) in try members(arguments) {
        try checkStorable(value)
        namespace.members[try text(of: key).plain] = value
      }
      return .opaque(.namespace(namespace))
    case "raise_exception":
      let message = try text(of: required(arguments, ["message"], of: name)[0])
      throw AviaryError(.request, "the chat template refuses this conversation: \"\(Self.printable(message))\"")
    case "strftime_now":
      let format = try string(required(arguments, ["format"], of: name)[0], for: name)
      guard let now else { throw AviaryError(.config, "the chat template asks for the date, and none is given") }
      try admit(format.count, times: 10)
      return .string(try now.formatted(format))
    default: throw AviaryError(.internal, "the function `\(name)` is listed but not written")
    }
  }

  /// A template's message on one line and not too long: it may quote what a user wrote.
  private static func printable(_ message: MarkedString) -> String {
    let clean = message.scalars.prefix(300).map { scalar -> MarkedScalar in
      switch scalar.scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: scalar.with(" ")
      default: scalar
      }
    }
    return MarkedString(clean).plain + (message.count > 300 ? "..." : "")
  }

  private func range(_ arguments: Arguments) throws(AviaryError) -> TemplateValue {
    guard arguments.named.isEmpty, (1...3).contains(arguments.positional.count) else {
      throw AviaryError(.config, "`range` got \(arguments.positional.count) arguments", wanted: "1 to 3")
    }
    var bounds: [Int] = []
    for value in arguments.positional { bounds.append(try integer(value, for: "range")) }
    let (start, stop) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
    let step = bounds.count == 3 ? bounds[2] : 1
    guard step != 0 else { throw AviaryError(.config, "`range` got the step 0") }
    let (distance, overflow) = (step > 0 ? stop : start).subtractingReportingOverflow(step > 0 ? start : stop)
    // The bound that Jinja's sandbox has.
    guard !overflow, distance <= 0 || (distance - 1) / Int(clamping: step.magnitude) < 100_000 else {
      throw AviaryError(.limit, "`range` makes too many numbers", wanted: "at most 100000")
    }
    let trusted = arguments.positional.allSatisfy { $0.number?.trusted ?? true }
    let items = stride(from: start, to: stop, by: step).map { TemplateValue.int($0, trusted: trusted) }
    try spend(items.count)
    return try list(items)
  }

  /// The members that `dict` and `namespace` are given: a mapping's, and those by name.
  private func members(_ arguments: Arguments) throws(AviaryError) -> [(key: TemplateValue, value: TemplateValue)] {
    var members: [(key: TemplateValue, value: TemplateValue)] = []
    guard arguments.positional.count <= 1 else {
      throw AviaryError(.config, "`dict` or `namespace` got several values", wanted: "one mapping, or names")
    }
    if let first = arguments.positional.first {
      guard case .dict(let dict) = first else {
        throw AviaryError(.config, "`dict` or `namespace` got \(first.description)", wanted: "a mapping, or names")
      }
      members = dict.members
    }
    return members + arguments.named.map { (.trusted($0.name), $0.value) }
  }

  // MARK: Arguments

  func required(_ arguments: Arguments, _ parameters: [String], of callee: String) throws(AviaryError)
    -> [TemplateValue]
  {
    let bound = try arguments.bind(parameters, of: callee)
    var values: [TemplateValue] = []
    for (name, value) in zip(parameters, bound) {
      guard let value else { throw AviaryError(.config, "`\(callee)` is called without `\(name)`") }
      values.append(value)
    }
    return values
  }

  func string(_ value: TemplateValue, for callee: String) throws(AviaryError) -> MarkedString {
    try spend(on: value)
    guard case .string(let text) = value else { throw unfit(value, for: callee, wanted: "text") }
    return text
  }

  func integer(_ value: TemplateValue, for callee: String) throws(AviaryError) -> Int {
    guard let number = value.number?.int else { throw unfit(value, for: callee, wanted: "an integer") }
    return number
  }

  /// An argument that says yes or no; no where it was not given.
  func flag(_ value: TemplateValue?) throws(AviaryError) -> Bool {
    guard let value else { return false }
    return try isTrue(value)
  }

  func unfit(_ value: TemplateValue, for callee: String, wanted: String) -> AviaryError {
    if case .undefined(let missing) = value {
      return AviaryError(.config, missing.description, wanted: "\(wanted) for `\(callee)`")
    }
    return AviaryError(.config, "`\(callee)` got \(value.description)", wanted: wanted)
  }

  // MARK: Shared by filters and methods

  func pairs(_ members: [(key: TemplateValue, value: TemplateValue)], _ kind: TemplateList.Kind = .list)
    throws(AviaryError) -> TemplateValue
  {
    var pairs: [TemplateValue] = []
    for (key, value) in members { pairs.append(try list([key, value], .tuple)) }
    return try list(pairs, kind)
  }

  func join(_ pieces: [MarkedString], with separator: MarkedString) throws(AviaryError) -> MarkedString {
    var result = MarkedString()
    for (index, piece) in pieces.enumerated() {
      if index > 0 {
        try admit(separator.count, to: result.count)
        result.append(separator)
      }
      try admit(piece.count, to: result.count)
      try spend()
      result.append(piece)
    }
    return result
  }

  /// An empty `old` stands before every scalar and at the end, as in Python.
  func replace(in text: MarkedString, _ old: MarkedString, with new: MarkedString, most: Int) throws(AviaryError)
    -> MarkedString
  {
    guard old.isEmpty else { return try join(text.split(old, most: most), with: new) }
    let places = min(most, text.count + 1)
    try admit(new.count, times: places, to: text.count)
    var result = MarkedString()
    for (index, scalar) in text.scalars.enumerated() {
      if index < places { result.append(new) }
      result.scalars.append(scalar)
    }
    if text.count < places { result.append(new) }
    return result
  }

  /// `elements` in the order of their keys, which must be all numbers or all texts; equal ones keep their order.
  func sorted<Element>(_ elements: [Element], by keys: [TemplateValue], reverse: Bool = false) throws(AviaryError)
    -> [Element]
  {
    // Merge sort from the bottom, since a comparison may throw, which the standard library's sort does not type.
    var order = Array(elements.indices)
    var width = 1
    while width < order.count {
      var merged: [Int] = []
      merged.reserveCapacity(order.count)
      for start in stride(from: 0, to: order.count, by: 2 * width) {
        var left = order[start..<min(start + width, order.count)]
        var right = order[min(start + width, order.count)..<min(start + 2 * width, order.count)]
        while let a = left.first, let b = right.first {
          let takesRight = try reverse ? isOrdered(keys[a], keys[b]) : isOrdered(keys[b], keys[a])
          merged.append(takesRight ? right.removeFirst() : left.removeFirst())
        }
        merged += left
        merged += right
      }
      order = merged
      width *= 2
    }
    return order.map { elements[$0] }
  }
}

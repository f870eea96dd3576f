import AviaryCore
import AviaryTensor

/// A lexical unit of a template and the offset at which it begins.
struct Token: Sendable {
  enum Kind: Sendable, Equatable {
    case text(MarkedString)
    case outputBegin, outputEnd  // {{ }}
    case tagBegin, tagEnd  // {% %}
    case name(String)
    case string(MarkedString)
    case int(Int)
    case double(Double)
    case symbol(String)
    case end
  }
  let kind: Kind
  let position: Int

  /// How an error names it.
  var description: String {
    switch kind {
    case .text: "text"
    case .outputBegin: "`{{`"
    case .outputEnd: "`}}`"
    case .tagBegin: "`{%`"
    case .tagEnd: "`%}`"
    case .name(let name): "`\(name)`"
    case .string: "a string"
    case .int(let value): "the number \(value)"
    case .double(let value): "the number \(value)"
    case .symbol(let symbol): "`\(symbol)`"
    case .end: "the end of the template"
    }
  }
}

/// Cuts a template into tokens, white space treated as `trim_blocks` and `lstrip_blocks` ask, which is how Hugging
/// Face's transformers sets up Jinja: a tag takes the newline behind it and the blanks before it on its line; one
/// newline at the end of the source is dropped; `-` strips all white space on its side, `+` keeps what is there.
struct TemplateLexer {
  let scalars: [Unicode.Scalar]
  let lines: LineMap
  private var position = 0
  /// Whether what was read last ended a line (or nothing has been read).
  private var atLineStart = true
  private var tokens: [Token] = []

  init(_ source: String) {
    var normal: [Unicode.Scalar] = []
    for scalar in source.unicodeScalars {
      if scalar == "\n", normal.last == "\r" { normal.removeLast() }
      normal.append(scalar)
    }
    normal = normal.map { $0 == "\r" ? "\n" : $0 }
    if normal.last == "\n" { normal.removeLast() }
    scalars = normal
    lines = LineMap(normal)
  }

  mutating func tokenize() throws(AviaryError) -> [Token] {
    while position < scalars.count {
      guard let start = nextOpening(from: position) else {
        emitText(position..<scalars.count)
        break
      }
      switch scalars[start + 1] {
      case "#": try comment(start)
      case "%":
        if let body = rawBegin(start) {
          try raw(start, body)
        } else {
          try tag(start, end: "%")
        }
      default: try tag(start, end: "}")
      }
    }
    tokens.append(Token(kind: .end, position: scalars.count))
    return tokens
  }

  func error(_ found: String, wanted: String = "", at offset: Int) -> AviaryError {
    AviaryError(.format, found, wanted: wanted, at: lines.place(offset))
  }

  // MARK: Text and its borders

  private func peek(_ offset: Int) -> Unicode.Scalar? { offset < scalars.count ? scalars[offset] : nil }

  private func nextOpening(from start: Int) -> Int? {
    var i = start
    while i + 1 < scalars.count {
      if scalars[i] == "{", ["{", "%", "#"].contains(scalars[i + 1]) { return i }
      i += 1
    }
    return nil
  }

  private mutating func emitText(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    let text = MarkedString(scalars[range].map { MarkedScalar($0, trusted: true) })
    tokens.append(Token(kind: .text(text), position: range.lowerBound))
  }

  private func isSpace(_ offset: Int) -> Bool {
    offset < scalars.count && MarkedScalar(scalars[offset], trusted: true).isSpace
  }

  /// The text up to the opening at `start`, stripped as the sign behind the opening asks. Returns the offset behind
  /// opening and sign.
  private mutating func textBefore(_ start: Int, strippingLine: Bool) -> Int {
    var end = start
    let sign = peek(start + 2)
    if sign == "-" {
      while end > position, isSpace(end - 1) { end -= 1 }
    } else if sign != "+", strippingLine {
      var line = start
      while line > position, scalars[line - 1] != "\n" { line -= 1 }
      if line > position || atLineStart, (line..<start).allSatisfy({ isSpace($0) }) { end = line }
    }
    emitText(position..<end)
    return start + (sign == "-" || sign == "+" ? 3 : 2)
  }

  /// Whether a tag of kind `%`, `}` or `#` ends at `offset`; if so, the offset behind it and the white space it takes.
  private func closing(_ kind: Unicode.Scalar, at offset: Int) -> Int? {
    var i = offset
    let sign = peek(i)
    if sign == "-" || (sign == "+" && kind != "}") { i += 1 }
    guard peek(i) == kind, peek(i + 1) == "}" else { return nil }
    i += 2
    if sign == "-" {
      while isSpace(i) { i += 1 }
    } else if sign != "+", kind != "}", peek(i) == "\n" {
      i += 1
    }
    return i
  }

  private mutating func move(to offset: Int) {
    position = offset
    atLineStart = offset > 0 && scalars[offset - 1] == "\n"
  }

  private mutating func comment(_ start: Int) throws(AviaryError) {
    var i = textBefore(start, strippingLine: true)
    while i < scalars.count {
      if let end = closing("#", at: i) { return move(to: end) }
      i += 1
    }
    throw error("the comment is never closed", wanted: "`#}`", at: start)
  }

  /// The offset behind `{% raw %}` where one begins at `start`.
  private func rawBegin(_ start: Int) -> Int? {
    var i = start + 2
    if peek(i) == "-" || peek(i) == "+" { i += 1 }
    guard let behind = word("raw", at: i) else { return nil }
    i = behind
    if peek(i) == "-" { return closing("%", at: i) }
    return peek(i) == "%" && peek(i + 1) == "}" ? i + 2 : nil
  }

  /// The offset behind a word with the blanks around it.
  private func word(_ name: String, at offset: Int) -> Int? {
    var i = offset
    while isSpace(i) { i += 1 }
    for scalar in name.unicodeScalars {
      guard peek(i) == scalar else { return nil }
      i += 1
    }
    while isSpace(i) { i += 1 }
    return i
  }

  private mutating func raw(_ start: Int, _ body: Int) throws(AviaryError) {
    _ = textBefore(start, strippingLine: true)
    move(to: body)
    var i = body
    while i + 1 < scalars.count {
      if scalars[i] == "{", scalars[i + 1] == "%" {
        let sign = peek(i + 2)
        if let behind = word("endraw", at: sign == "-" || sign == "+" ? i + 3 : i + 2),
          let end = closing("%", at: behind)
        {
          _ = textBefore(i, strippingLine: true)
          return move(to: end)
        }
      }
      i += 1
    }
    throw error("the `raw` block is never closed", wanted: "`{% endraw %}`", at: start)
  }

  // MARK: Inside tags

  private mutating func tag(_ start: Int, end kind: Unicode.Scalar) throws(AviaryError) {
    let isOutput = kind == "}"
    var i = textBefore(start, strippingLine: !isOutput)
    tokens.append(Token(kind: isOutput ? .outputBegin : .tagBegin, position: start))
    var brackets: [String] = []
    while i < scalars.count {
      if brackets.isEmpty, let end = closing(kind, at: i) {
        tokens.append(Token(kind: isOutput ? .outputEnd : .tagEnd, position: i))
        return move(to: end)
      }
      if isSpace(i) {
        i += 1
        continue
      }
      let from = i
      let token = try TemplateTokenReader(scalars, lines).read(&i, afterDot: tokens.last?.kind == .symbol("."))
      if case .symbol(let symbol) = token { try balance(&brackets, symbol, at: from) }
      tokens.append(Token(kind: token, position: from))
    }
    throw error("the tag is never closed", wanted: isOutput ? "`}}`" : "`%}`", at: start)
  }

  private func balance(_ open: inout [String], _ symbol: String, at offset: Int) throws(AviaryError) {
    switch symbol {
    case "(": open.append(")")
    case "[": open.append("]")
    case "{": open.append("}")
    case ")", "]", "}":
      let wanted = open.popLast()
      guard wanted == symbol else {
        throw error("unexpected `\(symbol)`", wanted: wanted.map { "`\($0)`" } ?? "", at: offset)
      }
    default: break
    }
  }
}

import AviaryTensor

/// Reads one token inside a tag: a name, a number, a string or a symbol.
struct TemplateTokenReader {
  private let scalars: [Unicode.Scalar]
  private let lines: LineMap

  init(_ scalars: [Unicode.Scalar], _ lines: LineMap) {
    self.scalars = scalars
    self.lines = lines
  }

  private static let symbols: [String] = [
    "**", "//", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
    ".", ":", "|", ",",
  ]

  /// Reads at `i`, which must be inside the template, and moves `i` behind the token. Behind a dot a number has no
  /// fraction: `row.0.1` is two look-ups.
  func read(_ i: inout Int, afterDot: Bool) throws(AviaryError) -> Token.Kind {
    let first = scalars[i]
    if first == "'" || first == "\"" { return .string(try string(&i)) }
    if isDigit(i) { return try number(&i, whole: afterDot) }
    if first == "_" || first.properties.isXIDStart {
      let start = i
      while i < scalars.count, scalars[i] == "_" || scalars[i].properties.isXIDContinue { i += 1 }
      return .name(text(start..<i))
    }
    for symbol in Self.symbols where scalars[i...].starts(with: symbol.unicodeScalars) {
      i += symbol.unicodeScalars.count
      return .symbol(symbol)
    }
    throw error("unexpected character \(quoted(first))", at: i)
  }

  private func error(_ found: String, wanted: String = "", at offset: Int) -> AviaryError {
    AviaryError(.format, found, wanted: wanted, at: lines.place(offset))
  }
  private func quoted(_ scalar: Unicode.Scalar) -> String {
    scalar.properties.generalCategory == .control ? "U+\(String(scalar.value, radix: 16))" : "`\(scalar)`"
  }
  private func text(_ range: Range<Int>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars[range])
    return String(view)
  }
  private func isDigit(_ i: Int) -> Bool { i < scalars.count && ("0"..."9").contains(scalars[i]) }

  // MARK: Numbers

  private func digits(_ i: inout Int) {
    while isDigit(i) || (i < scalars.count && scalars[i] == "_" && isDigit(i + 1)) { i += 1 }
  }

  private func number(_ i: inout Int, whole: Bool) throws(AviaryError) -> Token.Kind {
    let start = i
    if scalars[i] == "0", i + 1 < scalars.count, let radix = Self.radix[scalars[i + 1]] {
      i += 2
      while i < scalars.count, scalars[i] == "_" || scalars[i].properties.isASCIIHexDigit { i += 1 }
      return try integer(text(start + 2..<i), radix: radix, at: start)
    }
    digits(&i)
    var isWhole = true
    if !whole, i < scalars.count, scalars[i] == ".", isDigit(i + 1) {
      isWhole = false
      i += 1
      digits(&i)
    }
    if !whole, i < scalars.count, scalars[i] == "e" || scalars[i] == "E" {
      let signed = i + 1 < scalars.count && (scalars[i + 1] == "+" || scalars[i + 1] == "-")
      if isDigit(i + (signed ? 2 : 1)) {
        isWhole = false
        i += signed ? 2 : 1
        digits(&i)
      }
    }
    let spelling = text(start..<i)
    if isWhole { return try integer(spelling, radix: 10, at: start) }
    guard let value = Double(spelling.filter { $0 != "_" }) else {
      throw error("`\(spelling)` is no number", at: start)
    }
    return .double(value)
  }
  private static let radix: [Unicode.Scalar: Int] = ["x": 16, "X": 16, "o": 8, "O": 8, "b": 2, "B": 2]

  private func integer(_ spelling: String, radix: Int, at start: Int) throws(AviaryError) -> Token.Kind {
    guard let value = Int(spelling.filter { $0 != "_" }, radix: radix) else {
      throw error("a number is malformed or too large", wanted: "an integer of 64 bits", at: start)
    }
    return .int(value)
  }

  // MARK: Strings

  private func string(_ i: inout Int) throws(AviaryError) -> MarkedString {
    let start = i
    let quote = scalars[i]
    var result: [Unicode.Scalar] = []
    i += 1
    while i < scalars.count {
      let scalar = scalars[i]
      i += 1
      if scalar == quote { return MarkedString(result.map { MarkedScalar($0, trusted: true) }) }
      if scalar == "\\", i < scalars.count {
        try escape(&i, into: &result)
      } else {
        result.append(scalar)
      }
    }
    throw error("the string is never closed", wanted: "`\(quote)`", at: start)
  }

  private static let escapes: [Unicode.Scalar: Unicode.Scalar] = [
    "n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", "\"": "\"", "a": "\u{7}", "b": "\u{8}", "f": "\u{C}",
    "v": "\u{B}",
  ]
  private static let widths: [Unicode.Scalar: Int] = ["x": 2, "u": 4, "U": 8]

  /// The escape behind a backslash, as Python's string literals have them; unknown ones stand for themselves.
  private func escape(_ i: inout Int, into result: inout [Unicode.Scalar]) throws(AviaryError) {
    let scalar = scalars[i]
    if let plain = Self.escapes[scalar] {
      result.append(plain)
      i += 1
    } else if let width = Self.widths[scalar] {
      result.append(try codePoint(i + 1..<i + 1 + width, radix: 16, at: i))
      i += 1 + width
    } else if ("0"..."7").contains(scalar) {
      var end = i
      while end < min(i + 3, scalars.count), ("0"..."7").contains(scalars[end]) { end += 1 }
      result.append(try codePoint(i..<end, radix: 8, at: i))
      i = end
    } else if scalar == "N" {
      throw error("the escape `\\N` is not supported", wanted: "`\\u` and the code point", at: i)
    } else if scalar == "\n" {
      i += 1
    } else {
      result += ["\\", scalar]
      i += 1
    }
  }

  private func codePoint(_ range: Range<Int>, radix: Int, at offset: Int) throws(AviaryError) -> Unicode.Scalar {
    guard range.upperBound <= scalars.count, let value = UInt32(text(range), radix: radix),
      let scalar = Unicode.Scalar(value)
    else { throw error("a string has a malformed escape", wanted: "a Unicode scalar", at: offset) }
    return scalar
  }
}

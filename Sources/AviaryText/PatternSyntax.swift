import AviaryTensor

/// Rewrites a pattern of a tokenizer file for PCRE2.
///
/// The files are written for Oniguruma (Ruby syntax) or Rust's regex crates. Where PCRE2 means something else by the
/// same letters, this says it in PCRE2's terms:
/// - `\s` is the property White_Space (PCRE2 adds U+180E);
/// - `\w` has all marks and connector punctuation, as Oniguruma's, which outside of a class takes `²³¹¼½¾` along;
/// - `\p{Han}` is the script, where PCRE2 takes the script extensions;
/// - `\h` is a hexadecimal digit;
/// - nested classes and `&&` have no counterpart and are refused.
struct PatternSyntax {
  private let scalars: [Unicode.Scalar]
  private var position = 0
  private var out = ""

  static func translate(_ pattern: String) throws(AviaryError) -> String {
    var syntax = PatternSyntax(scalars: Array(pattern.unicodeScalars))
    return try syntax.run()
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private func peek(_ offset: Int = 0) -> Unicode.Scalar? {
    position + offset < scalars.count ? scalars[position + offset] : nil
  }

  private mutating func copy(_ count: Int = 1) {
    for _ in 0..<count where position < scalars.count {
      out.unicodeScalars.append(scalars[position])
      position += 1
    }
  }

  private mutating func run() throws(AviaryError) -> String {
    while let scalar = peek() {
      switch scalar {
      case "\\": escape(inClass: false)
      case "[": try characterClass()
      default: copy()
      }
    }
    return out
  }

  private mutating func characterClass() throws(AviaryError) {
    copy()
    if peek() == "^" { copy() }
    // A bracket that comes first is itself a member.
    if peek() == "]" { copy() }
    while let scalar = peek() {
      switch scalar {
      case "]":
        copy()
        return
      case "\\": escape(inClass: true)
      case "[" where peek(1) == ":":
        while let inner = peek(), inner != "]" { copy() }
        copy()
      case "[":
        throw AviaryError(.format, "a character class inside another is not supported", at: place)
      case "&" where peek(1) == "&":
        throw AviaryError(.format, "an intersection of character classes is not supported", at: place)
      default: copy()
      }
    }
  }

  private mutating func escape(inClass: Bool) {
    let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"#
    let outside = word + #"\x{b2}\x{b3}\x{b9}\x{bc}-\x{be}"#
    switch peek(1) {
    case "s": replace(#"\p{White_Space}"#)
    case "S": replace(#"\P{White_Space}"#)
    case "h": replace(inClass ? "0-9A-Fa-f" : "[0-9A-Fa-f]")
    case "w": replace(inClass ? word : "[\(outside)]")
    case "W" where !inClass: replace("[^\(outside)]")
    case "p", "P": property()
    default: copy(2)
    }
  }

  private mutating func replace(_ text: String) {
    out += text
    position += 2
  }

  /// Names of one or two letters are general categories; longer ones that PCRE2 knows as scripts are meant as such.
  private mutating func property() {
    copy(2)
    guard peek() == "{" else { return }
    copy()
    if peek() == "^" { copy() }
    var end = position
    while end < scalars.count, scalars[end] != "}" { end += 1 }
    var name = String.UnicodeScalarView()
    name.append(contentsOf: scalars[position..<end])
    let isPlain = name.allSatisfy { $0.properties.isAlphabetic || $0 == "_" }
    if isPlain, name.count > 2, TextPattern.isScript(String(name)) { out += "sc:" }
    copy(end - position)
  }

  private var place: String { "pattern, character \(position)" }
}

import AviaryCore
import AviaryTensor

extension JSONReader {
  /// Reads a string from its opening quote to after its closing one.
  mutating func string(_ s: Span<UInt8>) throws(AviaryError) -> String {
    let opening = i
    i += 1
    let start = i
    // Most strings have no escapes: those are validated and copied as they stand.
    while i < s.count, s[i] != UInt8(ascii: "\""), s[i] != UInt8(ascii: "\\"), s[i] >= 0x20 { i += 1 }
    if i < s.count, s[i] == UInt8(ascii: "\"") {
      let text = s.extracting(start..<i).withUnsafeBufferPointer { String(validating: $0, as: UTF8.self) }
      i += 1
      guard let text else { throw notUTF8(opening, s) }
      return text
    }
    var buffer: [UInt8] = []
    for k in start..<i { buffer.append(s[k]) }
    while i < s.count {
      let byte = s[i]
      switch byte {
      case UInt8(ascii: "\""):
        i += 1
        guard let text = String(validating: buffer, as: UTF8.self) else { throw notUTF8(opening, s) }
        return text
      case UInt8(ascii: "\\"):
        i += 1
        try escape(into: &buffer, s)
      case ..<0x20:
        throw error(.format, "a control character in a string, \(character(s))", wanted: "an escape", at: i, s)
      default:
        buffer.append(byte)
        i += 1
      }
    }
    throw error(.format, "a string without its closing quote", at: opening, s)
  }

  private func notUTF8(_ offset: Int, _ s: Span<UInt8>) -> AviaryError {
    error(.format, "a string is not valid UTF-8", at: offset, s)
  }

  /// Reads an escape after its backslash.
  private mutating func escape(into buffer: inout [UInt8], _ s: Span<UInt8>) throws(AviaryError) {
    guard i < s.count else { throw error(.format, "the document ends in an escape", at: i, s) }
    let letter = s[i]
    switch letter {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): buffer.append(letter)
    case UInt8(ascii: "b"): buffer.append(0x08)
    case UInt8(ascii: "f"): buffer.append(0x0C)
    case UInt8(ascii: "n"): buffer.append(0x0A)
    case UInt8(ascii: "r"): buffer.append(0x0D)
    case UInt8(ascii: "t"): buffer.append(0x09)
    case UInt8(ascii: "u"):
      i += 1
      let scalar = try codePoint(s)
      buffer.append(contentsOf: String(scalar).utf8)
      return
    default: throw error(.format, "an unknown escape, \(character(s))", wanted: "one of \"\\/bfnrtu", at: i, s)
    }
    i += 1
  }

  /// Reads the digits of `\u`, and of a second escape where the first is the high half of a pair. Half a pair alone
  /// becomes U+FFFD: Python reads and writes such strings, and Swift's cannot hold them.
  private mutating func codePoint(_ s: Span<UInt8>) throws(AviaryError) -> UnicodeScalar {
    let replacement: UnicodeScalar = "\u{FFFD}"
    let first = try fourDigits(s)
    guard (0xD800...0xDBFF).contains(first) else { return UnicodeScalar(first) ?? replacement }
    guard i + 1 < s.count, s[i] == UInt8(ascii: "\\"), s[i + 1] == UInt8(ascii: "u") else { return replacement }
    let afterFirst = i
    i += 2
    let second = try fourDigits(s)
    guard (0xDC00...0xDFFF).contains(second) else {
      i = afterFirst  // the second is a character of its own
      return replacement
    }
    return UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? replacement
  }

  private mutating func fourDigits(_ s: Span<UInt8>) throws(AviaryError) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard i < s.count, let digit = hexDigit(s[i]) else {
        throw error(.format, "unexpected \(character(s)) in a \\u escape", wanted: "four hexadecimal digits", at: i, s)
      }
      code = code << 4 | digit
      i += 1
    }
    return code
  }

  private func hexDigit(_ byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
    default: nil
    }
  }
}

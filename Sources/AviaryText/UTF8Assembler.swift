/// Joins bytes that arrive in pieces into text, never giving out half a scalar.
///
/// What cannot be UTF-8 becomes U+FFFD, one for each maximal subpart (Unicode 16, section 3.9, table 3-8).
struct UTF8Assembler: Sendable {
  /// The beginning of a scalar whose end has not come yet; at most three bytes.
  private var pending: [UInt8] = []

  init() {}

  /// The text that these bytes complete.
  mutating func next(_ bytes: [UInt8]) -> String {
    let all = pending + bytes
    let kept = UTF8Assembler.unfinishedTail(of: all)
    pending = Array(all.suffix(kept))
    return String(decoding: all.dropLast(kept), as: UTF8.self)
  }

  /// What an unfinished scalar at the end leaves.
  mutating func finish() -> String {
    defer { pending = [] }
    return String(decoding: pending, as: UTF8.self)
  }

  /// How many bytes at the end may still become a scalar when more follow.
  static func unfinishedTail(of bytes: [UInt8]) -> Int {
    for back in 1...3 where back <= bytes.count {
      let lead = bytes[bytes.count - back]
      if lead & 0xc0 == 0x80 { continue }
      let length: Int
      switch lead {
      case 0xc2...0xdf: length = 2
      case 0xe0...0xef: length = 3
      case 0xf0...0xf4: length = 4
      default: return 0
      }
      guard back < length else { return 0 }
      if back > 1, !secondByte(bytes[bytes.count - back + 1], follows: lead) { return 0 }
      return back
    }
    return 0
  }

  private static func secondByte(_ byte: UInt8, follows lead: UInt8) -> Bool {
    switch lead {
    case 0xe0: byte >= 0xa0
    case 0xed: byte < 0xa0
    case 0xf0: byte >= 0x90
    case 0xf4: byte < 0x90
    default: true
    }
  }
}

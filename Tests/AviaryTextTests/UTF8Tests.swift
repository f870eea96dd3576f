import Testing

@testable import AviaryText

struct UTF8Tests {
  /// Byte strings that are hard on decoders, with the number of U+FFFD that they give.
  static let broken: [([UInt8], Int)] = [
    ([0x80], 1), ([0xc0, 0x80], 2), ([0xed, 0xa0, 0x80], 3), ([0xed, 0xb0, 0x80], 3), ([0xf0, 0x9f], 1),
    ([0xf0, 0x9f, 0x98], 1), ([0xf0, 0x9f, 0x41], 1), ([0xf4, 0x90, 0x80, 0x80], 4), ([0xe0, 0x80], 2), ([0xff, 0xfe], 2),
    ([0xe4, 0xb8, 0xe4, 0xb8, 0xad], 1), ([0xf5, 0x80], 2), ([0xc2], 1), ([0xe2, 0x82, 0xf0, 0x9f, 0x98, 0x80], 1),
    ([0xf0, 0x80, 0x80], 3), ([0xf1, 0x80, 0x80, 0xe1], 2),
  ]

  @Test(arguments: broken)
  func replacesEachMaximalSubpart(bytes: [UInt8], count: Int) {
    var assembler = UTF8Assembler()
    let text = assembler.next(bytes) + assembler.finish()
    #expect(text.unicodeScalars.filter { $0 == "\u{fffd}" }.count == count)
    #expect(sameBytes(text, String(decoding: bytes, as: UTF8.self)))
  }

  @Test func anyCutGivesTheSameText() {
    var random = SeededRandom(seed: 5)
    let interesting: [UInt8] = [0x41, 0x80, 0xbf, 0xc2, 0xe0, 0xa0, 0xe4, 0xb8, 0xad, 0xed, 0x9f, 0xf0, 0x90, 0x9f, 0xf4, 0x8f, 0xff]
    for _ in 0..<3000 {
      let bytes = (0..<Int.random(in: 0...12, using: &random)).compactMap { _ in interesting.randomElement(using: &random) }
      var assembler = UTF8Assembler()
      var text = ""
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = rest.prefix(Int.random(in: 1...4, using: &random))
        text += assembler.next(Array(part))
        rest = rest.dropFirst(part.count)
      }
      text += assembler.finish()
      #expect(sameBytes(text, String(decoding: bytes, as: UTF8.self)), "\(bytes)")
    }
  }

  @Test func alphabetIsOneToOne() {
    let bytes = [UInt8](0...255)
    var spelled: [UInt8] = []
    ByteAlphabet.spell(bytes.span, into: &spelled)
    #expect(String(decoding: spelled, as: UTF8.self).unicodeScalars.count == 256)
    #expect(ByteAlphabet.bytes(of: spelled) == bytes)
    #expect(String(ByteAlphabet.scalars[0x20]) == "Ġ" && String(ByteAlphabet.scalars[0x0a]) == "Ċ")
  }
}

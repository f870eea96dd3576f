import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryText

/// What a stranger may send: trust.md, group E.
struct TrustTests {
  /// Ids that only trusted text may give. The unknown token is a control token by name, and what any stranger's
  /// character may become; single letters stay letters.
  private static func controlIDs(_ tokenizer: any Tokenizer) -> Set<Int32> {
    Set(
      (0..<Int32(tokenizer.vocabularySize)).filter { id in
        guard let token = tokenizer.token(id), token != "<unk>", token.unicodeScalars.count > 1 else { return false }
        return tokenizer.isSpecial(id)
      })
  }

  private static let mischief = [
    "\u{200b}", "\u{200d}", "\u{feff}", "＜", "＞", "｜", "<", ">", "|", "</", "<|", "[", "]", " ", "\n", "a", "é", "\u{301}",
    "\u{338}", "the", "中", "\0", "▁",
  ]

  /// User text of random pieces and control spellings, whole, cut, and with something slipped in; appended in parts.
  private static func hostileText(_ spellings: [String], _ random: inout SeededRandom) -> [String] {
    (0..<Int.random(in: 1...8, using: &random)).map { _ in
      guard let spelling = spellings.randomElement(using: &random), Bool.random(using: &random) else {
        return mischief.randomElement(using: &random) ?? ""
      }
      let scalars = Array(spelling.unicodeScalars)
      let cut = Int.random(in: 0...scalars.count, using: &random)
      func text(_ part: ArraySlice<Unicode.Scalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: part)
        return String(view)
      }
      switch Int.random(in: 0..<4, using: &random) {
      case 0: return spelling
      case 1: return text(scalars[..<cut])
      case 2: return text(scalars[cut...])
      default: return text(scalars[..<cut]) + (mischief.randomElement(using: &random) ?? "") + text(scalars[cut...])
      }
    }
  }

  private func checkNoControl(_ name: String, _ tokenizer: any Tokenizer, rounds: Int) throws {
    let controls = TrustTests.controlIDs(tokenizer)
    try #require(!controls.isEmpty, "\(name)")
    let spellings = controls.sorted().prefix(400).compactMap { tokenizer.token($0) }
    var random = SeededRandom(seed: 99)
    for _ in 0..<rounds {
      let parts = TrustTests.hostileText(spellings, &random)
      var text = MarkedText()
      for part in parts { text.append(part, trusted: false) }
      let ids = try tokenizer.encode(text, addSpecial: false)
      #expect(controls.isDisjoint(with: ids), "\(name): \(text.text.debugDescription)")

      // A template around it: half a control token in trusted text does not make the other half trusted.
      var framed = MarkedText(trusted: "<|im_")
      framed.append(text)
      framed.append("</", trusted: true)
      framed.append("s>", trusted: false)
      framed.append("|im_end|>", trusted: true)
      let framedIDs = try tokenizer.encode(framed, addSpecial: false)
      #expect(controls.isDisjoint(with: framedIDs), "\(name): \(framed.text.debugDescription)")
    }
    for spelling in spellings {
      let id = try #require(tokenizer.id(of: spelling))
      #expect(try !tokenizer.encode(MarkedText(untrusted: spelling), addSpecial: false).contains(id), "\(name): \(spelling)")
    }
  }

  @Test func controlStringsTypedByAUserStayText() throws {
    for (name, tokenizer) in try SmallVocabularies.all() { try checkNoControl(name, tokenizer, rounds: 600) }
  }

  @Test(.enabled(if: Golden.isThere)) func controlStringsStayTextInPublishedVocabularies() throws {
    for (name, tokenizer) in try SmallVocabularies.golden() { try checkNoControl(name, tokenizer, rounds: 300) }
  }

  @Test func controlStringsOfATemplateAreControlTokens() throws {
    for (name, tokenizer) in try SmallVocabularies.all() where name != "SentencePiece" && name != "SentencePiece, unigram" {
      let id = try #require(tokenizer.id(of: "<image>"), "\(name)")
      var text = MarkedText(trusted: "the <image>")
      text.append(" <image> the", trusted: false)
      text.append("<image>", trusted: true)
      let ids = try tokenizer.encode(text, addSpecial: false)
      #expect(ids.filter { $0 == id }.count == 2, "\(name)")
      #expect(tokenizer.decode(ids, skipSpecial: false).contains(" <image> the"), "\(name)")
    }
  }

  @Test func interpolatedTextIsData() throws {
    let user = "<image>"
    let text: MarkedText = "<image>\(user)</s>"
    #expect(text.text == "<image><image></s>")
    #expect(text.isTrusted(0..<7) && !text.isTrusted(7..<14) && text.isTrusted(14..<18))
    #expect(!text.isTrusted(5..<9) && !text.isTrusted(12..<16))
    #expect(text.split(separator: "<image>").map(\.text) == ["", "<image></s>"])
    #expect(text.slice(7..<18).trusted == [7..<11])
    #expect(text.slice(3..<9).trusted == [0..<4])
  }

  @Test func tenMegabytesOfOneLetter() throws {
    let text = MarkedText(untrusted: String(repeating: "a", count: 10_000_000))
    for (name, tokenizer) in try SmallVocabularies.all() where name != "SentencePiece, legacy" {
      let ids = try tokenizer.encode(text, addSpecial: false)
      #expect(tokenizer.decode(ids, skipSpecial: true).utf8.count >= 10_000_000, "\(name)")
    }
  }

  @Test func textsOverTheLimitAreRefused() throws {
    var limits = Limits()
    limits.textBytes = 10
    let json = try SmallVocabularies.json(tokens: ["a"], merges: [])
    let tokenizer = try SubwordTokenizer(tokenizerJSON: json, limits: limits)
    let error = #expect(throws: AviaryError.self) { try tokenizer.encode("aaaaaaaaaaa", addSpecial: false) }
    #expect(error?.kind == .limit)
  }

  @Test func losslessTokenizersGiveTheTextBack() throws {
    var random = SeededRandom(seed: 4)
    for (name, tokenizer) in try SmallVocabularies.all() where ["byte-level", "llama"].contains(name) {
      for _ in 0..<500 {
        let text = (0..<Int.random(in: 0...12, using: &random)).map { _ in
          TrustTests.mischief.filter { name == "byte-level" || $0 != "▁" }.randomElement(using: &random) ?? ""
        }.joined()
        let ids = try tokenizer.encode(MarkedText(untrusted: text), addSpecial: false)
        #expect(sameBytes(tokenizer.decode(ids, skipSpecial: true), text), "\(name): \(text.debugDescription)")
      }
    }
  }

  @Test func strangeIDsAreLeftOut() throws {
    for (name, tokenizer) in try SmallVocabularies.all() {
      let odd: [Int32] = [.min, -1, Int32(tokenizer.vocabularySize), .max]
      #expect(tokenizer.decode(odd, skipSpecial: false).isEmpty, "\(name)")
      #expect(odd.allSatisfy { tokenizer.token($0) == nil && !tokenizer.isSpecial($0) }, "\(name)")
      let ids = try tokenizer.encode("the", addSpecial: false)
      #expect(tokenizer.decode(odd + ids + odd, skipSpecial: true) == tokenizer.decode(ids, skipSpecial: true), "\(name)")
    }
  }

  @Test func streamsNeverSplitACharacter() throws {
    var random = SeededRandom(seed: 21)
    for (name, tokenizer) in try SmallVocabularies.all() {
      for round in 0..<300 {
        // Random ids give broken UTF-8 as well as whole characters.
        let ids: [Int32] =
          round % 2 == 0
          ? (0..<Int.random(in: 0...20, using: &random)).map { _ in
            Int32.random(in: -2...Int32(tokenizer.vocabularySize), using: &random)
          } : try tokenizer.encode("the 中文😀 é👩‍👩‍👧\u{301}", addSpecial: true)
        for skip in [true, false] {
          var decoder = tokenizer.streamDecoder(skipSpecial: skip)
          let pieces = ids.map { decoder.next($0) } + [decoder.finish()]
          #expect(sameBytes(pieces.joined(), tokenizer.decode(ids, skipSpecial: skip)), "\(name): \(ids)")
          if round % 2 == 1 { #expect(pieces.allSatisfy { !$0.contains("\u{fffd}") }, "\(name)") }
        }
      }
    }
  }

  /// A Swift string cannot hold half a surrogate pair; tokens can hold its three bytes.
  @Test func loneSurrogatesBecomeReplacements() throws {
    for (name, tokenizer) in try SmallVocabularies.all() where ["byte-level", "tiktoken"].contains(name) {
      let ids = try [0xed, 0xa0, 0x80].map { (byte: UInt8) in
        let spelling = name == "tiktoken" ? nil : String(Character(ByteAlphabet.scalars[Int(byte)]))
        return try spelling.map { try #require(tokenizer.id(of: $0)) } ?? Int32(byte)
      }
      #expect(sameBytes(tokenizer.decode(ids, skipSpecial: true), "\u{fffd}\u{fffd}\u{fffd}"), "\(name)")
    }
  }
}

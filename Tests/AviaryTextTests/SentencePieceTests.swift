import AviaryCore
import AviaryTensor
import Foundation
import Testing

@testable import AviaryText

@Suite(.enabled(if: Golden.isThere))
struct SentencePieceGoldenTests {
  @Test(arguments: ["llama2", "mistral-v1"])
  func agreesOnEveryCase(vocabulary: String) throws {
    let file = try Golden.data("tokenizers/\(vocabulary)/tokenizer.model")
    let raw = try file.withUnsafeBytes { try SentencePieceTokenizer($0) }
    let specials = ["<unk>", "<s>", "</s>"].map { AddedToken($0) }
    let llama = try file.withUnsafeBytes {
      try SentencePieceTokenizer(
        $0, mode: .huggingFace(legacy: true, addsPrefixBlank: true), added: specials, frame: TokenFrame(addsBOS: true))
    }
    #expect(raw.vocabularySize == 32000)
    #expect(raw.bos == 1 && raw.eos == 2)
    let cases = try VocabularyCase.all(vocabulary)
    #expect(cases.count == 340)
    for example in cases {
      if let text = example.text {
        #expect(try raw.encode(MarkedText(trusted: text), addSpecial: true) == example.ids, "\(example.name)")
        let legacy = example.json.ids("hf_legacy_ids") ?? [1] + example.ids
        #expect(try llama.encode(MarkedText(trusted: text), addSpecial: true) == legacy, "\(example.name)")
        let typed = try llama.encode(MarkedText(untrusted: text), addSpecial: true)
        #expect(typed == [1] + example.ids, "\(example.name)")
      }
      #expect(sameBytes(raw.decode(example.ids, skipSpecial: false), example.decoded), "\(example.name)")
      #expect(sameBytes(streamed(raw, example.ids), example.decoded), "\(example.name)")
    }
  }
}

/// Small models that stand in this folder.
enum SmallModels {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
  static let names = ["sp-bpe-prefix", "sp-bpe-plain", "sp-unigram-rules"]

  static func file(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent("\(name).model")))
  }

  static func reference() throws -> JSONValue {
    try TestJSON.parse([UInt8](Data(contentsOf: folder.appendingPathComponent("sentencepiece.json"))))
  }

  static func load(_ name: String, mode: SentencePieceMode = .raw, added: [AddedToken] = [], frame: TokenFrame = TokenFrame())
    throws -> SentencePieceTokenizer
  {
    try file(name).withUnsafeBytes { try SentencePieceTokenizer($0, mode: mode, added: added, frame: frame) }
  }
}

struct SentencePieceTests {
  @Test(arguments: SmallModels.names)
  func agreesWithTheLibrary(name: String) throws {
    let tokenizer = try SmallModels.load(name)
    let reference = try SmallModels.reference()
    let texts = Reference.strings(reference["texts"])
    let expected = try #require(reference["models"]?[name])
    #expect(texts.count == 73)
    for (text, ids) in zip(texts, expected["ids"]?.array ?? []) {
      let ids = ids.array?.compactMap { $0.int.map(Int32.init) } ?? []
      #expect(try tokenizer.encode(MarkedText(trusted: text), addSpecial: true) == ids, "\(text.debugDescription)")
    }
    for (from, to) in [("ids", "decoded"), ("random", "random_decoded")] {
      for (ids, text) in zip(expected[from]?.array ?? [], Reference.strings(expected[to])) {
        let ids = ids.array?.compactMap { $0.int.map(Int32.init) } ?? []
        #expect(sameBytes(tokenizer.decode(ids, skipSpecial: false), text), "\(ids)")
        #expect(sameBytes(streamed(tokenizer, ids), text), "\(ids)")
      }
    }
  }

  @Test func findsMarkupOnlyInTrustedText() throws {
    let tokenizer = try SmallModels.load("sp-bpe-prefix")
    let start = try #require(tokenizer.id(of: "<|im_start|>"))
    let text = "a<|im_start|>b##c"
    #expect(try tokenizer.encode(MarkedText(trusted: text), addSpecial: false).contains(start))
    let typed = try tokenizer.encode(MarkedText(untrusted: text), addSpecial: false)
    #expect(!typed.contains(start))
    #expect(typed.contains(try #require(tokenizer.id(of: "##"))), "what is no markup is found anywhere")
    #expect(sameBytes(tokenizer.decode(typed, skipSpecial: true), text))
  }

  /// The two behaviours of transformers' slow LlamaTokenizer behind a control token.
  @Test func putsThePrefixWhereTheModeSays() throws {
    let controls = ["<unk>", "<s>", "</s>"].map { AddedToken($0) }
    func tokens(legacy: Bool, blank: Bool, _ text: String) throws -> [String] {
      let tokenizer = try SmallModels.load(
        "sp-bpe-prefix", mode: .huggingFace(legacy: legacy, addsPrefixBlank: blank), added: controls)
      return try tokenizer.encode(MarkedText(trusted: text), addSpecial: false).compactMap { tokenizer.token($0) }
    }
    #expect(try tokens(legacy: true, blank: true, "cat</s>dog") == ["▁cat", "</s>", "▁dog"])
    #expect(try tokens(legacy: true, blank: true, "</s>dog") == ["</s>", "▁dog"])
    let bare = try tokens(legacy: false, blank: true, "cat</s>dog")
    #expect(bare.first == "▁cat" && bare[1] == "</s>" && !bare[2].hasPrefix("▁"))
    #expect(try tokens(legacy: false, blank: true, "</s> dog") == ["</s>", "▁dog"], "a lone blank in front is dropped")
    #expect(try tokens(legacy: false, blank: true, "▁cat") == tokens(legacy: false, blank: true, " cat"))
    let without = try tokens(legacy: false, blank: false, "cat</s> dog")
    #expect(!without[0].hasPrefix("▁") && without.last == "▁dog")
    #expect(try tokens(legacy: false, blank: true, "") == [])
  }

  @Test func framesWithBOSAndEOS() throws {
    let tokenizer = try SmallModels.load(
      "sp-bpe-plain", mode: .huggingFace(legacy: true, addsPrefixBlank: true),
      frame: TokenFrame(addsBOS: true, addsEOS: true))
    let ids = try tokenizer.encode("cat", addSpecial: true)
    #expect(ids.first == tokenizer.bos && ids.last == tokenizer.eos && ids.count > 2)
    #expect(try tokenizer.encode("cat", addSpecial: false) == Array(ids.dropFirst().dropLast()))
  }

  /// Whatever stands in the file, it loads or it is an error; and what loads can encode.
  @Test(arguments: SmallModels.names)
  func survivesDamage(name: String) throws {
    let file = try SmallModels.file(name)
    var random = SeededRandom(seed: 11)
    var loaded = 0
    for round in 0..<1500 {
      var damaged = file
      if round % 3 == 0 {
        damaged.removeLast(Int.random(in: 1..<file.count, using: &random))
      } else {
        for _ in 0..<(round % 3 == 1 ? 1 : 20) {
          // Most of the file is pieces; the settings and the normaliser's table stand at its end.
          let low = round % 2 == 0 ? 0 : max(0, file.count - 1500)
          damaged[Int.random(in: low..<file.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
        }
      }
      let tokenizer = damaged.withUnsafeBytes { bytes in
        try? SentencePieceTokenizer(bytes, mode: round % 2 == 0 ? .raw : .huggingFace(legacy: false, addsPrefixBlank: true))
      }
      guard let tokenizer else { continue }
      loaded += 1
      let ids = try tokenizer.encode(MarkedText(trusted: "The cat 12 é ﬁ 猫 ##<|im_end|>\u{3000}x\0"), addSpecial: true)
      #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
      _ = tokenizer.decode(ids, skipSpecial: true)
    }
    #expect(loaded > 100, "damage that leaves a readable file is tried as well")
  }

  @Test(arguments: [
    ("an empty file", []), ("no piece", [0x12, 0x00]), ("a field longer than the file", [0x0a, 0x7f, 0x00]),
    ("an endless number", [UInt8](repeating: 0xff, count: 40)), ("an unknown field type", [0x0f]),
    ("a piece without text", [0x0a, 0x00]),
    ("a NaN score", [0x0a, 0x08, 0x0a, 0x01, 0x61, 0x15, 0x00, 0x00, 0xc0, 0x7f]),
    ("an infinite score", [0x0a, 0x08, 0x0a, 0x01, 0x61, 0x15, 0x00, 0x00, 0x80, 0xff]),
    ("a piece that is no UTF-8", [0x0a, 0x03, 0x0a, 0x01, 0xff]), ("a piece with NUL", [0x0a, 0x03, 0x0a, 0x01, 0x00]),
    ("a piece type of 9", [0x0a, 0x05, 0x0a, 0x01, 0x61, 0x18, 0x09]),
    ("only an unknown piece", [0x0a, 0x05, 0x0a, 0x01, 0x61, 0x18, 0x02]),
    ("a byte piece <0x-1>", [0x0a, 0x0a, 0x0a, 0x06] + Array("<0x-1>".utf8) + [0x18, 0x06]),
    (
      "a piece that stands twice",
      [0x0a, 0x05, 0x0a, 0x01, 0x3f, 0x18, 0x02, 0x0a, 0x03, 0x0a, 0x01, 0x61, 0x0a, 0x03, 0x0a, 0x01, 0x61]
    ),
  ])
  func refuses(what: String, file: [UInt8]) {
    let error = #expect(throws: AviaryError.self) {
      try file.withUnsafeBytes { try SentencePieceTokenizer($0) }
    }
    #expect(error?.kind == .format, "\(what)")
    #expect(error?.found.contains("libsentencepiece") == false, "\(what) is found out before the library sees it")
  }
}

/// A small generator with a seed (SplitMix64), so that a failure comes again.
struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

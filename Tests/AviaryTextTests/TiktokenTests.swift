import AviaryCore
import AviaryTensor
import Foundation
import Testing

@testable import AviaryText

enum Qwen {
  static let pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
  static let imageTags = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>", "<img>", "</img>", "<imgpad>"]
  static let special =
    ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] + (0..<205).map { "<|extra_\($0)|>" } + imageTags

  static func tokenizer(_ path: String) throws -> SubwordTokenizer {
    try Golden.data(path).withUnsafeBytes { bytes in
      try SubwordTokenizer(
        tiktoken: bytes, pattern: pattern, special: special.map { AddedToken($0) }, composes: true,
        frame: TokenFrame(eos: "<|endoftext|>"))
    }
  }

  /// The text with these spellings trusted wherever they stand.
  static func trusting(_ spellings: [String], in text: String) -> MarkedText {
    var marked = MarkedText()
    var plain: [UInt8] = []
    let bytes = Array(text.utf8)
    var i = 0
    while i < bytes.count {
      if let tag = spellings.first(where: { bytes[i...].starts(with: $0.utf8) }) {
        marked.append(String(decoding: plain, as: UTF8.self), trusted: false)
        marked.append(tag, trusted: true)
        plain = []
        i += tag.utf8.count
      } else {
        plain.append(bytes[i])
        i += 1
      }
    }
    marked.append(String(decoding: plain, as: UTF8.self), trusted: false)
    return marked
  }

  /// Qwen-VL writes a picture's path as raw byte values between its two tags, padded to 256.
  static func expandingPaths(_ ids: [Int32], _ tokenizer: SubwordTokenizer) -> [Int32] {
    guard let open = tokenizer.id(of: "<img>"), let close = tokenizer.id(of: "</img>"),
      let pad = tokenizer.id(of: "<imgpad>")
    else { return ids }
    var out: [Int32] = []
    var rest = ids[...]
    while let start = rest.firstIndex(of: open), let end = rest[start...].firstIndex(of: close) {
      let path = tokenizer.decode(Array(rest[(start + 1)..<end]), skipSpecial: false).utf8.map { Int32($0) }
      out.append(contentsOf: rest[rest.startIndex...start])
      out += path + Array(repeating: pad, count: 256 - path.count) + [close]
      rest = rest[(end + 1)...]
    }
    return out + rest
  }
}

@Suite(.enabled(if: Golden.isThere))
struct TiktokenGoldenTests {
  @Test func agreesOnEveryCase() throws {
    let tokenizer = try Qwen.tokenizer("tokenizers/qwen/qwen.tiktoken")
    #expect(tokenizer.vocabularySize == 151_860)
    #expect(tokenizer.eos == 151_643)
    let cases = try VocabularyCase.all("qwen")
    #expect(cases.count == 343)
    for example in cases {
      if let text = example.text {
        var ids = try tokenizer.encode(MarkedText(trusted: text), addSpecial: true)
        if example.json["mode"]?.string == "image_path" { ids = Qwen.expandingPaths(ids, tokenizer) }
        #expect(ids == example.ids, "\(example.name)")
        let tags = try tokenizer.encode(Qwen.trusting(Qwen.imageTags, in: text), addSpecial: true)
        if example.json["mode"] == nil {
          #expect(tags == example.json.ids("ids_image_tags_only") ?? example.ids, "\(example.name)")
          let none = try tokenizer.encode(MarkedText(untrusted: text), addSpecial: true)
          #expect(none == example.json.ids("ids_no_special") ?? example.ids, "\(example.name)")
        }
      }
      if example.json["mode"]?.string != "image_path" {
        #expect(sameBytes(tokenizer.decode(example.ids, skipSpecial: false), example.decoded), "\(example.name)")
        #expect(sameBytes(streamed(tokenizer, example.ids), example.decoded), "\(example.name)")
      }
    }
  }

  @Test func encodesWholePrompts() throws {
    let tokenizer = try Qwen.tokenizer("tokenizers/qwen/qwen.tiktoken")
    let prompts = try Golden.lines("tokenizers/qwen/prompts.jsonl")
    #expect(!prompts.isEmpty)
    for prompt in prompts {
      let ids = try #require(prompt.ids("ids"))
      let text = try #require(prompt["prompt"]?.string)
      let kind = try #require(prompt["kind"]?.string)
      var marked = MarkedText(trusted: text)
      if kind == "chatml" {
        // In the published code the turns are control tokens and only picture tags count within a turn.
        var turns = [("system", prompt["system"]?.string ?? "")]
        for pair in prompt["history"]?.array ?? [] {
          turns += [("user", pair.array?[0].string ?? ""), ("assistant", pair.array?[1].string ?? "")]
        }
        turns.append(("user", prompt["query"]?.string ?? ""))
        marked = MarkedText()
        for (role, content) in turns {
          marked.append("<|im_start|>\(role)\n", trusted: true)
          marked.append(Qwen.trusting(Qwen.imageTags, in: content))
          marked.append("<|im_end|>\n", trusted: true)
        }
        marked.append("<|im_start|>assistant\n", trusted: true)
        #expect(sameBytes(marked.text, text))
      }
      let encoded = try tokenizer.encode(marked, addSpecial: true)
      let expanded = kind.hasPrefix("vary") ? encoded : Qwen.expandingPaths(encoded, tokenizer)
      #expect(expanded == ids, "\(kind) \(prompt["n"]?.int ?? -1)")
    }
  }
}

/// A rank file as the lists of a GGUF file: the same ids.
struct RankListTests {
  /// All bytes, then joined tokens in an order in which some are reached by other pairs than the longest.
  private static let ranks: [UInt8] = {
    let joined = ["th", "he", "the", " t", " the", "in", "ing", "er", "re", "ere", "here", "there", " there", "ä", "123", "ab", "abab"]
    let tokens = (UInt8.min...UInt8.max).map { [$0] } + joined.map { Array($0.utf8) }
    return Array(tokens.enumerated().map { "\(Data($1).base64EncodedString()) \($0)\n" }.joined().utf8)
  }()

  private static let texts = ["there, the thing is here: ababab 123 äë\n\n", "zzz zz z", "e\u{301} é", " t  there's", "<|im_end|>", "", "\u{0}\u{7f}"]

  private static func expectEqual(_ file: [UInt8], _ count: Int) throws {
    let limits = Limits.standard
    let direct = try file.span.withUnsafeBytes { (bytes) throws(AviaryError) in try SubwordTokenizer(qwen: bytes, limits: limits) }
    let lists = try file.span.withUnsafeBytes { (bytes) throws(AviaryError) in try TokenLists(qwen: bytes, count: count, limits: limits) }
    #expect(lists.tokens.count == count && lists.types.count == count)
    let listed = try lists.tokenizer()
    for text in texts {
      let ids = try direct.encode(MarkedText(untrusted: text), addSpecial: true)
      #expect(try listed.encode(MarkedText(untrusted: text), addSpecial: true) == ids, "\(text)")
      #expect(listed.decode(ids, skipSpecial: false) == direct.decode(ids, skipSpecial: false))
    }
    #expect(try listed.encode(MarkedText(trusted: "<|im_end|>"), addSpecial: false) == direct.encode(MarkedText(trusted: "<|im_end|>"), addSpecial: false))
    #expect(listed.eos == direct.eos && listed.bos == nil)
  }

  @Test func theIdsAreTheSame() throws { try Self.expectEqual(Self.ranks, 600) }

  @Test func moreTokensThanRowsAreRefused() throws {
    let error = #expect(throws: AviaryError.self) {
      try Self.ranks.span.withUnsafeBytes { (bytes) throws(AviaryError) in try TokenLists(qwen: bytes, count: 300, limits: .standard) }
    }
    #expect(error?.kind == .request)
  }

  @Test(.enabled(if: Golden.isThere)) func theIdsOfARealVocabularysKindAreTheSame() throws {
    let file = [UInt8](try Golden.data("tokenizers/qwen/qwen.tiktoken"))
    try Self.expectEqual(file, 151_936)
  }
}

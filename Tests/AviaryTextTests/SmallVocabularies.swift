import AviaryCore
import AviaryTensor
import Foundation

@testable import AviaryText

/// Tokenizers of every kind, small enough to be made on the spot.
enum SmallVocabularies {
  static let controls = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<image>", "[INST]"]

  /// Byte-level BPE over the printable alphabet with a few merges; lossless.
  static func byteLevel(added: [AddedToken] = controls.map { AddedToken($0) }) throws -> SubwordTokenizer {
    let alphabet = ByteAlphabet.scalars.map { String(Character($0)) }
    let merges = ["a a", "aa aa", "aaaa aaaa", "t h", "th e", "Ġ the", "Ġ a", "< s", "<s >", "h e", "l l"]
    return try SubwordTokenizer(
      tokenizerJSON: json(
        tokens: alphabet, merges: merges, extra: ["pre_tokenizer": #"{"type": "ByteLevel", "add_prefix_space": false}"#,
          "decoder": #"{"type": "ByteLevel"}"#]),
      extra: added)
  }

  /// In the manner of Llama: marks for blanks, bytes for unknown characters, one word per text.
  static func llama() throws -> SubwordTokenizer {
    let bytes = (0..<256).map { String(decoding: ByteToken.spelling(UInt8($0)), as: UTF8.self) }
    let letters = "abcdefghijklmnopqrstuvwxyz<>/▁".map(String.init)
    // Control tokens may stand in the vocabulary, even with merges that lead to them.
    return try SubwordTokenizer(
      tokenizerJSON: json(
        tokens: ["<unk>", "<s>", "</s>"] + bytes + letters,
        merges: ["a a", "aa aa", "t h", "th e", "▁ the", "< s", "<s >", "< /", "</ s", "</s >"],
        extra: [
          "normalizer":
            #"{"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}"#,
          "decoder":
            #"{"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}"#,
        ],
        model: #""unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true, "ignore_merges": true"#),
      extra: controls.map { AddedToken($0) })
  }

  /// Like `llama`, with control tokens that are looked for after normalising, as in DeepSeek's files.
  static func normalizing() throws -> SubwordTokenizer {
    try SubwordTokenizer(
      tokenizerJSON: json(
        tokens: ByteAlphabet.scalars.map { String(Character($0)) }, merges: ["a a"],
        extra: [
          "normalizer": #"{"type": "NFKC"}"#, "pre_tokenizer": #"{"type": "ByteLevel", "add_prefix_space": false}"#,
          "decoder": #"{"type": "ByteLevel"}"#,
        ]),
      extra: controls.map { AddedToken($0, normalized: true) })
  }

  static func tiktoken() throws -> SubwordTokenizer {
    let words = (0..<256).map { [UInt8($0)] } + ["aa", "aaaa", "th", "the", "<s", "<s>", " the", "he"].map { Array($0.utf8) }
    let lines = words.enumerated().map { "\(base64($1)) \($0)" }.joined(separator: "\n")
    return try Array(lines.utf8).withUnsafeBytes {
      try SubwordTokenizer(
        tiktoken: $0, pattern: Qwen.pattern, special: controls.map { AddedToken($0) }, composes: true)
    }
  }

  static func all() throws -> [(name: String, tokenizer: any Tokenizer)] {
    let added = controls.map { AddedToken($0) }
    return [
      ("byte-level", try byteLevel()), ("llama", try llama()), ("normalizing", try normalizing()),
      ("tiktoken", try tiktoken()), ("SentencePiece", try SmallModels.load("sp-bpe-prefix", added: added)),
      (
        "SentencePiece, legacy",
        try SmallModels.load(
          "sp-bpe-prefix", mode: .huggingFace(legacy: true, addsPrefixBlank: true), added: added)
      ),
      (
        "SentencePiece, not legacy",
        try SmallModels.load("sp-bpe-plain", mode: .huggingFace(legacy: false, addsPrefixBlank: true), added: added)
      ),
      ("SentencePiece, unigram", try SmallModels.load("sp-unigram-rules", added: added)),
    ]
  }

  static func golden() throws -> [(name: String, tokenizer: any Tokenizer)] {
    guard Golden.isThere else { return [] }
    let llama = ["<unk>", "<s>", "</s>", "<image>", "<im_start>"].map { AddedToken($0) }
    let file = try Golden.data("tokenizers/llama2/tokenizer.model")
    return [
      ("qwen", try Qwen.tokenizer("tokenizers/qwen/qwen.tiktoken")),
      (
        "llama2",
        try file.withUnsafeBytes {
          try SentencePieceTokenizer($0, mode: .huggingFace(legacy: false, addsPrefixBlank: true), added: llama)
        }
      ),
    ]
      + (try ["deepseek-llm", "deepseek-v3-lineage", "gpt-neox-20b-openflamingo"].map { name in
        (name, try SubwordTokenizer(tokenizerJSON: Golden.json("tokenizers/\(name)/tokenizer.json")))
      })
      + (try ["llava-hf-single", "yi-vl-single", "chameleon-single", "emu3-generate", "flamingo-idefics-odd"].map { name in
        (name, try TokenizerLoader.load(.golden("\(name)/model")))
      })
  }

  static func json(tokens: [String], merges: [String], extra: [String: String] = [:], model: String = "") throws -> JSONValue {
    var all = tokens
    for merge in merges {
      let joined = merge.replacingOccurrences(of: " ", with: "")
      if !all.contains(where: { sameBytes($0, joined) }) { all.append(joined) }
    }
    let vocabulary = all.enumerated().map { "\(quoted($1)): \($0)" }.joined(separator: ",")
    let members = extra.map { ", \(quoted($0)): \($1)" }.joined()
    let settings = model.isEmpty ? "" : ", \(model)"
    return try TestJSON.parse(
      "{\"model\": {\"type\": \"BPE\", \"vocab\": {\(vocabulary)}, \"merges\": [\(merges.map(quoted).joined(separator: ","))]\(settings)}\(members)}"
    )
  }

  private static func quoted(_ text: String) -> String {
    "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
  }

  static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
}

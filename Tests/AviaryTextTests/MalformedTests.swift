import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryText

/// Files that break the rules: each is an error that says where, and never a trap.
struct MalformedTests {
  private static func model(_ vocab: String, _ merges: String = "[]", _ more: String = "") -> String {
    #"{"model": {"type": "BPE", "vocab": \#(vocab), "merges": \#(merges)\#(more)}}"#
  }
  private static let ab = #"{"a": 0, "b": 1, "ab": 2}"#

  @Test(arguments: [
    ("[]", ""), ("{}", ""), (#"{"model": 3}"#, "model"), (#"{"model": {"type": "WordPiece"}}"#, "model"),
    (#"{"model": {"type": "WordLevel", "vocab": {}}}"#, "model"), (#"{"model": {"type": 7}}"#, "model.type"),
    (model("{}"), "model.vocab"), (model("[]"), "model.vocab"), (model(#"{"a": "0"}"#), #"model.vocab["a"]"#),
    (model(#"{"a": -1}"#), #"model.vocab["a"]"#), (model(#"{"a": 4194304}"#), #"model.vocab["a"]"#),
    (model(#"{"a": 9223372036854775807}"#), #"model.vocab["a"]"#), (model(#"{"a": 1e300}"#), #"model.vocab["a"]"#),
    (model(#"{"a": 0.5}"#), #"model.vocab["a"]"#), (model(#"{"a": 0, "b": 0}"#), "model.vocab"),
    (model(ab, #"["a c"]"#), "model.merges[0]"), (model(ab, #"["b a"]"#), "model.merges[0]"),
    (model(ab, #"["a b", "a"]"#), "model.merges[1]"), (model(ab, #"["a b c"]"#), "model.merges[0]"),
    (model(ab, #"[" ab"]"#), "model.merges[0]"), (model(ab, #"[["a"]]"#), "model.merges[0]"),
    (model(ab, #"[["a", 3]]"#), "model.merges[0]"), (model(ab, "[3]"), "model.merges[0]"), (model(ab, "{}"), "model.merges"),
    (model(ab, "[]", #", "unk_token": "u""#), "model.unk_token"), (model(ab, "[]", #", "dropout": 0.1"#), "model.dropout"),
    (model(ab, "[]", #", "end_of_word_suffix": "</w>""#), "model.end_of_word_suffix"),
    (model(ab, "[]", #", "byte_fallback": "yes""#), "model.byte_fallback"),
    (#"{"model": {"type": "Unigram", "vocab": [], "unk_id": 0}}"#, "model"),
    (#"{"model": {"type": "Unigram", "vocab": [["a", -1e999]], "unk_id": 0}}"#, "model.vocab[0]"),
    (#"{"model": {"type": "Unigram", "vocab": [["a"]], "unk_id": 0}}"#, "model.vocab[0]"),
    (#"{"model": {"type": "Unigram", "vocab": [["a", -1], ["a", -2]], "unk_id": 0}}"#, "model.vocab[1]"),
    (#"{"model": {"type": "Unigram", "vocab": [["a", -1]], "unk_id": 1}}"#, "model"),
    (with("added_tokens", #"[{"id": 3}]"#), "added_tokens[0]"),
    (with("added_tokens", #"[{"id": 3, "content": ""}]"#), "added_tokens[0]"),
    (with("added_tokens", #"[{"id": -3, "content": "x"}]"#), "added_tokens[0].id"),
    (with("added_tokens", #"[{"id": 99999999999, "content": "x"}]"#), "added_tokens[0].id"),
    (with("added_tokens", #"[{"id": 2, "content": "x"}]"#), #"added token "x""#),
    (with("added_tokens", #"[{"id": 5, "content": "a"}]"#), #"added token "a""#),
    (with("added_tokens", #"[{"id": 5, "content": "x"}, {"id": 5, "content": "y"}]"#), #"added token "y""#),
    (with("normalizer", #"{"type": "Precompiled"}"#), "normalizer"), (with("normalizer", #"{"type": "Replace"}"#), "normalizer"),
    (with("normalizer", #"{"type": "Sequence", "normalizers": [{"type": "Nmt"}]}"#), "normalizer.normalizers[0]"),
    (with("pre_tokenizer", #"{"type": "UnicodeScripts"}"#), "pre_tokenizer"),
    (with("pre_tokenizer", #"{"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated"}"#), "pre_tokenizer.pattern: character 1"),
    (with("pre_tokenizer", #"{"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Odd"}"#), "pre_tokenizer.behavior"),
    (with("pre_tokenizer", #"{"type": "Split", "pattern": {}, "behavior": "Isolated"}"#), "pre_tokenizer.pattern"),
    (with("pre_tokenizer", #"{"type": "Metaspace", "replacement": "", "split": true}"#), "pre_tokenizer"),
    (with("pre_tokenizer", #"{"type": "Metaspace", "prepend_scheme": "odd"}"#), "pre_tokenizer.prepend_scheme"),
    (with("post_processor", #"{"type": "Odd"}"#), "post_processor"),
    (with("post_processor", #"{"type": "TemplateProcessing", "single": []}"#), "post_processor.single"),
    (with("post_processor", #"{"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x"}}]}"#), "post_processor"),
    (with("post_processor", #"{"type": "RobertaProcessing", "cls": ["a"], "sep": ["b", 1]}"#), "post_processor.cls"),
    (with("decoder", #"{"type": "CTC"}"#), "decoder"),
    (with("decoder", #"{"type": "Strip", "content": "ab", "start": 1, "stop": 0}"#), "decoder.content"),
    (with("decoder", #"{"type": "Strip", "content": " ", "start": -1, "stop": 0}"#), "decoder.start"),
    (with("decoder", #"{"type": "Replace", "pattern": {"String": ""}, "content": "x"}"#), "decoder"),
  ])
  func saysWhere(json: String, place: String) throws {
    let value = try TestJSON.parse(json)
    let error = #expect(throws: AviaryError.self) { try SubwordTokenizer(tokenizerJSON: value) }
    #expect(error?.place == place)
    #expect(error.map { [.format, .limit, .config].contains($0.kind) } == true)
  }

  private static func with(_ key: String, _ value: String) -> String {
    #"{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}, "\#(key)": \#(value)}"#
  }

  @Test func unknownComponentsAreNamed() throws {
    let json = try TestJSON.parse(MalformedTests.with("normalizer", #"{"type": "Precompiled"}"#))
    let error = #expect(throws: AviaryError.self) { try SubwordTokenizer(tokenizerJSON: json) }
    #expect(error?.found == #"the normalizer "Precompiled" is not supported"#)
  }

  /// Spelled like byte tokens, and none: nothing is read as a number that two hexadecimal digits do not spell.
  @Test(arguments: ["<0x-1>", "<0xZZ>", "<0x1FF>", "<0x>", "<0x+1>", "<0X41>", "0x41", "<0x 1>"])
  func oddByteTokensAreText(token: String) throws {
    #expect(ByteToken.byte(of: Array(token.utf8)[...]) == nil)
    var chain = DecoderChain(try DecoderStage.read(JSONReader(TestJSON.parse(#"{"type": "ByteFallback"}"#), at: "")))
    #expect(chain.next(Array(token.utf8)) + chain.finish() == token)
  }

  @Test(arguments: [
    "", "\n\n", "IQ==", "IQ== x", "IQ== 0 1", "I 0", "I=Q= 0", "IQ== -1", "IQ== 99999999999", "IQ== 4194304", "==== 0",
    "IQ== 0\nIQ== 1", "IQ== 0\nIg== 0", "IQ== 0",
  ])
  func refusesRankFiles(text: String) {
    #expect(throws: AviaryError.self) {
      try Array(text.utf8).withUnsafeBytes {
        try SubwordTokenizer(tiktoken: $0, pattern: Qwen.pattern, special: [], composes: false)
      }
    }
  }

  @Test func readsBase64() {
    for bytes in [[], [0], [0xff, 0x00], [1, 2, 3], Array("hello, world".utf8)] as [[UInt8]] {
      #expect(Base64.decode(SmallVocabularies.base64(bytes).utf8) == bytes)
    }
    for text in ["A", "AB", "ABC", "A===", "AB=C", "AB*D", "AB==AB=="] { #expect(Base64.decode(text.utf8) == nil) }
  }

  @Test func unpairedOrUnknownSettingsAreErrors() throws {
    let vocabulary = try SmallVocabularies.json(tokens: ["a"], merges: [])
    let bad = [
      (#"{"added_tokens_decoder": {"x": {"content": "a"}}}"#, "added_tokens_decoder"),
      (#"{"added_tokens_decoder": {"-1": {"content": "a"}}}"#, "added_tokens_decoder"),
      (#"{"added_tokens_decoder": {"1": 3}}"#, "added_tokens_decoder"), (#"{"bos_token": 3}"#, "bos_token"),
      (#"{"bos_token": ""}"#, "bos_token"), (#"{"add_bos_token": 1}"#, "add_bos_token"),
      (#"{"additional_special_tokens": 4}"#, "additional_special_tokens"), (#"{"legacy": "no"}"#, "legacy"),
    ]
    for (config, place) in bad {
      let files = TokenizerFiles(tokenizer: vocabulary, config: try TestJSON.parse(config))
      let error = #expect(throws: AviaryError.self) { try TokenizerLoader.load(files) }
      #expect(error?.place.contains(place) == true, "\(config): \(error?.description ?? "")")
    }
    #expect(throws: AviaryError.self) { try TokenizerLoader.load(TokenizerFiles()) }
  }
}

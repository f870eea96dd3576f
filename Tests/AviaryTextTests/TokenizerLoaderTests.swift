import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryText

struct TokenizerLoaderTests {
  private func config(_ text: String) throws -> JSONValue { try TestJSON.parse(text) }

  @Test func framesAsTheConfigurationSays() throws {
    let vocabulary = try SmallVocabularies.json(tokens: ["<s>", "</s>", "a"], merges: [])
    func ids(_ settings: String) throws -> [Int32] {
      let files = TokenizerFiles(tokenizer: vocabulary, config: try config(settings))
      return try TokenizerLoader.load(files).encode("a", addSpecial: true)
    }
    #expect(try ids(#"{"bos_token": "<s>", "eos_token": {"content": "</s>"}}"#) == [2])
    #expect(try ids(#"{"bos_token": "<s>", "add_bos_token": true}"#) == [0, 2])
    #expect(try ids(#"{"bos_token": "<s>", "tokenizer_class": "LlamaTokenizer"}"#) == [0, 2])
    #expect(try ids(#"{"bos_token": "<s>", "tokenizer_class": "LlamaTokenizerFast", "add_bos_token": false}"#) == [2])
    #expect(
      try ids(#"{"bos_token": "<s>", "eos_token": "</s>", "add_bos_token": true, "add_eos_token": true}"#) == [0, 2, 1])
    #expect(try ids(#"{"bos_token": null, "add_bos_token": true}"#) == [2])
  }

  @Test func collectsTheTokensOfAllFiles() throws {
    let files = TokenizerFiles(
      tokenizer: try SmallVocabularies.json(
        tokens: ["a", "b"], merges: [],
        extra: ["added_tokens": #"[{"id": 2, "content": "<x>", "special": false, "lstrip": true}]"#]),
      config: try config(
        #"{"added_tokens_decoder": {"3": {"content": "<y>", "special": true}}, "eos_token": "<x>", "additional_special_tokens": ["<new>"], "extra_special_tokens": {"image_token": "<image>"}}"#
      ),
      specialTokensMap: try config(#"{"bos_token": "<y>", "eos_token": "a"}"#),
      addedTokens: try config(#"{"<y>": 3, "<z>": 4}"#))
    let tokenizer = try TokenizerLoader.load(files, extra: [AddedToken("<last>")])
    #expect(tokenizer.bos == 3 && tokenizer.eos == 2, "the configuration goes before the map")
    #expect(["<x>", "<y>", "<z>", "<new>", "<image>", "<last>"].map { tokenizer.id(of: $0) } == [2, 3, 4, 5, 6, 7])
    #expect(tokenizer.vocabularySize == 8)
    #expect(tokenizer.isSpecial(2), "a mention among the control tokens makes it one")
    #expect(!tokenizer.isSpecial(4))
    #expect(try tokenizer.encode("a  <x>b<z>", addSpecial: true) == [0, 2, 1, 4], "and its other marks stay")
  }

  @Test func readsTheTwoFilesOfGPT2() throws {
    let files = TokenizerFiles(
      vocabulary: try config(#"{"a": 0, "b": 1, "Ġ": 2, "ab": 3, "Ġab": 4}"#), merges: "#version: 0.2\na b\r\nĠ ab\n")
    let tokenizer = try TokenizerLoader.load(files)
    #expect(try tokenizer.encode("ab ab b", addSpecial: true) == [3, 4, 2, 1])
    #expect(tokenizer.decode([3, 4, 2, 1], skipSpecial: false) == "ab ab b")
  }

  @Test func prefersTokenizerJSON() throws {
    let model = try SmallModels.file("sp-bpe-prefix")
    let vocabulary = try SmallVocabularies.json(tokens: ["a"], merges: [])
    #expect(try TokenizerLoader.load(TokenizerFiles(tokenizer: vocabulary, sentencePiece: model)).vocabularySize == 1)
    #expect(try TokenizerLoader.load(TokenizerFiles(sentencePiece: model)).vocabularySize == 480)
    let error = #expect(throws: AviaryError.self) {
      try TokenizerLoader.load(TokenizerFiles(sentencePiece: Array(model.prefix(100))))
    }
    #expect(error?.place.hasPrefix("tokenizer.model") == true)
  }

  @Test func pastTheLimitIsAnError() throws {
    var limits = Limits()
    limits.vocabulary = 3
    let json = try SmallVocabularies.json(tokens: ["a", "b", "c", "d"], merges: [])
    let error = #expect(throws: AviaryError.self) { try TokenizerLoader.load(TokenizerFiles(tokenizer: json), limits: limits) }
    #expect(error?.kind == .limit)
  }
}

import AviaryCore
import AviaryTensor
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

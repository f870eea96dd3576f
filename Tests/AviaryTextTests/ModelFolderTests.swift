import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryText

extension TokenizerFiles {
  static func golden(_ folder: String) throws -> TokenizerFiles {
    TokenizerFiles(
      tokenizer: try Golden.jsonIfThere("\(folder)/tokenizer.json"),
      sentencePiece: Golden.exists("\(folder)/tokenizer.model") ? try Golden.data("\(folder)/tokenizer.model") : nil,
      config: try Golden.jsonIfThere("\(folder)/tokenizer_config.json"),
      specialTokensMap: try Golden.jsonIfThere("\(folder)/special_tokens_map.json"),
      addedTokens: try Golden.jsonIfThere("\(folder)/added_tokens.json"))
  }
}

@Suite(.enabled(if: Golden.isThere))
struct ModelFolderGoldenTests {
  @Test(arguments: Golden.cases("llava-hf-", "llava-next-"))
  func encodesThePrompt(folder: String) throws {
    let tokenizer = try TokenizerLoader.load(.golden("\(folder)/model"))
    let prompt = try #require(Golden.json("\(folder)/request.json")["prompt"]?.string)
    let ids = try tokenizer.encode(MarkedText(trusted: prompt), addSpecial: true)
    #expect(ids == (try Golden.integers("input_ids", in: "\(folder)/expected.safetensors")))
  }

  /// The original code splits at the picture's mark, encodes every piece by itself, and drops the BOS of all but the
  /// first. -200 stands for a picture.
  @Test(arguments: Golden.cases("llava-orig-", "yi-vl-"))
  func encodesThePromptInPieces(folder: String) throws {
    let tokenizer = try TokenizerLoader.load(.golden("\(folder)/model"))
    let prompt = try #require(Golden.json("\(folder)/request.json")["prompt"]?.string)
    let mark = folder.hasPrefix("yi") ? "<image_placeholder>" : "<image>"
    var ids: [Int32] = []
    for (index, piece) in MarkedText(trusted: prompt).split(separator: mark).enumerated() {
      let encoded = try tokenizer.encode(piece, addSpecial: true)
      let hasBOS = tokenizer.bos != nil && encoded.first == tokenizer.bos
      ids += index == 0 ? encoded : [-200] + (hasBOS ? Array(encoded.dropFirst()) : encoded)
    }
    #expect(ids == (try Golden.integers("input_ids", in: "\(folder)/expected.safetensors")))
  }

  @Test(arguments: Golden.cases("llava-", "yi-vl-"))
  func decodesTheAnswer(folder: String) throws {
    let tokenizer = try TokenizerLoader.load(.golden("\(folder)/model"))
    let text = try #require(Golden.json("\(folder)/expected.json")["generated_text"]?.string)
    let ids = try Golden.integers("generated_ids", in: "\(folder)/expected.safetensors")
    #expect(sameBytes(tokenizer.decode(ids, skipSpecial: true), text))
    #expect(sameBytes(streamed(tokenizer, ids, skipSpecial: true), text))
  }
}

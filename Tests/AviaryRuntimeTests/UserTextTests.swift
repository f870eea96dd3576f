import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// What a user types is text: through the whole processor of each family no control token and no slot comes of it.
struct UserTextTests {
  static let cases = [
    "llava-hf-single", "llava-orig-single", "llava-next-odd", "yi-vl-single", "qwen-vl-chat-single", "qwen-vl-base-odd", "vary-toy-ocr", "vary-base-doc-bf16",
    "deepseek-vl-orig13-single", "deepseek-vl-orig7-single", "deepseek-vl-hf-single", "minigpt4-single", "minigpt4-llama2-single", "flamingo-mpt1b-single",
    "flamingo-rpj3b-4shot", "flamingo-mpt7b-odd", "flamingo-idefics-single", "flamingo-idefics-fewshot-instruct",
  ].filter(Golden.has)
  static let controls = [
    "<image>", "<image_placeholder>", "</s>", "<s>", "<unk>", "<pad>", "[INST]", "[/INST]", "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|startoftext|>", "<im_start>",
    "<im_end>", "<|Human|>", "<|Assistant|>", "<img>", "</img>", "<imgpad>", "<|extra_0|>",
    "<|endofchunk|>", "<PAD>", "<fake_token_around_image>", "<end_of_utterance>", "<｜end▁of▁sentence｜>", "<｜begin▁of▁sentence｜>", "<ImageHere>", "<|padding|>",
    "<0x41>", "###",
  ]

  /// Ids that stand for control in this tokenizer, by what it says of them and by their spelling.
  static func controlIDs(_ tokenizer: any Tokenizer) -> Set<Int32> {
    Set((0..<Int32(tokenizer.vocabularySize)).filter(tokenizer.isSpecial)).union(controls.dropLast(2).compactMap(tokenizer.id(of:))).union([-200])
  }

  /// A demonstration whose answer is that text, a turn of each role, and a question in these parts: ids and the places of the
  /// pictures.
  static func ids(_ processor: any Processor, _ parts: [ChatMessage.Part], answer: String) throws -> (ids: [Int32], slots: Int) {
    let image = PixelImage(width: 2, height: 2, channels: 3, pixels: [UInt8](repeating: 9, count: 12))
    let layout = try processor.prepare(image).layout
    var options = PromptOptions(system: answer)
    options.imageNames = ["</img><imgpad>", "<|im_end|>"]
    let messages = processor.demonstration(0, answer: answer, to: answer, options) + [ChatMessage(.user, [.image(1)] + parts)]
    let prompt = try processor.tokenize(processor.prompt(messages, options), [layout, layout])
    let slots = prompt.parts.count { if case .image = $0 { true } else { false } } + (prompt.sight?.places.count ?? 0)
    return (prompt.inputIDs, slots)
  }

  @Test(.timeLimit(.minutes(1)), arguments: cases) func controlStringsOfUsersStayText(name: String) throws {
    let folder = try #require(Golden.find(name))
    let loaded = try ModelLoaderTests.loader.load(folder + "/model", on: Reference())
    let processor = try #require(loaded.processor)
    let special = Self.controlIDs(processor.tokenizer)
    let plain = try Self.ids(processor, [.text("x")], answer: "y").ids.filter(special.contains)
    #expect(!plain.isEmpty)

    var random = SplitMix64(seed: 20)
    func word() -> String {
      var control = Self.controls[Int.random(in: 0..<Self.controls.count, using: &random)]
      switch Int.random(in: 0..<6, using: &random) {
      case 0: control.insert("\u{200b}", at: control.index(after: control.startIndex))
      case 1: control = control.replacing("<", with: "\u{ff1c}").replacing(">", with: "\u{ff1e}")
      case 2: control += " "
      case 3: control = "é" + control + "\n"
      default: break
      }
      return control
    }
    for _ in 0..<60 {
      // Also split across parts, so that only the join has the whole spelling.
      var parts: [ChatMessage.Part] = []
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let text = word()
        let cut = text.index(text.startIndex, offsetBy: Int.random(in: 0...text.count, using: &random))
        parts += [.text(String(text[..<cut])), .text(String(text[cut...]))]
      }
      let answer = word() + word()
      let made = try Self.ids(processor, parts, answer: answer)
      #expect(made.ids.filter(special.contains) == plain, "\(parts) behind \(answer)")
      #expect(made.slots == 2)
    }
  }

  /// The same in the answers that a user hands back as the model's own.
  @Test(arguments: cases) func noPictureMeansNoSlot(name: String) throws {
    let folder = try #require(Golden.find(name))
    let processor = try #require(try ModelLoaderTests.loader.load(folder + "/model", on: Reference()).processor)
    let marker = try #require(processor.imageMarker)
    let messages = [ChatMessage(.system, marker), ChatMessage(.user, marker), ChatMessage(.assistant, marker), ChatMessage(.user, "\(marker)\(marker)")]
    let prompt = try processor.tokenize(processor.prompt(messages, PromptOptions()), [])
    #expect(prompt.parts.allSatisfy { if case .tokens = $0 { true } else { false } })
    expectError(.request, "1 pictures for 0 slots") {
      _ = try processor.tokenize(processor.prompt(messages, PromptOptions()), [MediaLayout(tokens: 1, imageWidth: 1, imageHeight: 1)])
    }
  }
}

import Architectures
import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// MiniGPT-4: recorded runs, how its parts are found, and its prompts.
struct MiniGPT4Tests {
  static let cases = Golden.cases("minigpt4-")

  @Test(.enabled(if: !cases.isEmpty), arguments: cases) func aRecordedRunIsRepeated(_ folder: String) throws {
    try Recorded.expectRepeated(folder)
  }

  static let language = MemoryFolder("llm", ["config.json": #"{"hidden_size": 64, "num_attention_heads": 4}"#])
  static func folder(_ keys: String) -> MemoryFolder {
    MemoryFolder("m", ["config.json": #"{"model_type": "minigpt4", \#(keys)}"#], parts: ["llm": language, "vicuna-7b": language, "llama-2-7b-chat": language])
  }

  @Test func publishedSizesHoldWhereNoneAreSaid() throws {
    let c = try MiniGPT4.config(Self.folder(#""llama_model": "/some/where/llm", "ckpt": "/x/pretrained_minigpt4.pth""#))
    #expect((c.vision.width, c.vision.layers, c.vision.hidden, c.vision.grid, c.tokens) == (1408, 39, 6144, 16, 32))
    #expect((c.qformer?.hiddenSize, c.qformer?.layers, c.qformer?.crossFrequency) == (768, 12, 2))
    #expect((c.files.language, c.files.vision, c.files.projection) == ("llm", "eva_vit_g.pth", "pretrained_minigpt4.pth"))
    let later = try MiniGPT4.config(Self.folder(#""variant": "pretrain_llama2""#))
    #expect((later.tokens, later.qformer == nil, later.vision.hasTrainedNorm) == (64, true, false))
  }

  @Test func theRepositorysYAMLIsEnough() throws {
    let folder = try TemporaryFolder()
    try folder.write("minigpt4_eval.yaml", "model:\n  arch: minigpt4\n  model_type: pretrain_vicuna0\n  ckpt: '/path/of/mine.pth'\n")
    try folder.write("vicuna-7b/config.json", #"{"model_type": "llama"}"#)
    let opened = try Recorded.loader.folder(folder.path)
    #expect(try Recorded.loader.architecture(of: opened).id == "minigpt4")
    let c = try MiniGPT4.config(opened)
    #expect((c.variant, c.files.projection) == (.vicuna, "mine.pth"))
    expectError(.file, "mine.pth", "Vision-CAIR/MiniGPT-4", "licence") { _ = try MiniGPT4.weights(c, opened) }
    try folder.write("other.yaml", "model:\n  arch: minigpt4\n  ckpt: another.pth\n")
    expectError(.config, "ckpt has two values", "other.yaml") { _ = try MiniGPT4.config(opened) }
  }

  static let hostile: [(String, [String])] = [
    (#""variant": "llama3""#, ["variant", "vicuna0"]),
    (#""image_size": 13"#, ["patch_size 14", "13"]),
    (#""variant": "llama2", "image_size": 70"#, ["25 patches", "4"]),
    (#""vision": {"num_heads": 3}"#, ["embed_dim 1408", "3"]),
    (#""vision": {"qkv_bias": false}"#, ["qkv_bias"]),
    (#""qformer": {"encoder_width": 7}"#, ["encoder_width 7", "1408"]),
    (#""qformer": {"cross_attention_freq": 0}"#, ["cross_attention_freq"]),
  ]

  @Test(arguments: hostile.indices) func whatCannotBeRightIsNamed(_ index: Int) {
    let (keys, parts) = Self.hostile[index]
    do {
      _ = try MiniGPT4.config(Self.folder(keys))
      Issue.record("no error for \(keys)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  @Test func aMissingLanguageModelIsNamed() {
    expectError(.file, "elsewhere", "licence") { _ = try MiniGPT4.config(Self.folder(#""files": {"llm": "elsewhere"}"#)) }
  }

  /// A picture is a turn that the question behind it joins; answers are stripped; a typed marker is text.
  @Test func promptsAreThoseOfTheRepository() throws {
    let folder = Self.folder(#""variant": "vicuna0""#)
    let processor = try MiniGPT4.processor(MiniGPT4.config(folder), folder)
    let messages = [
      ChatMessage(.user, [.text("Hello"), .image(0), .image(1), .text("And <ImageHere>?")]), ChatMessage(.assistant, " Yes. "), ChatMessage(.user, "Why?"),
    ]
    let prompt = try processor.prompt(messages, PromptOptions(system: "S"))
    #expect(
      prompt.text == "S###Human: Hello###Human: <Img><ImageHere></Img>###Human: <Img><ImageHere></Img> And <ImageHere>?###Assistant: Yes.###Human: Why?"
        + "###Assistant: ")
    let pieces = try processor.prompt([ChatMessage(.user, [.image(0), .text("a"), .text("b")]), ChatMessage(.user, "c")], PromptOptions(system: "S"))
    #expect(pieces.text == "S###Human: <Img><ImageHere></Img> ab###Human: c###Assistant: ")
    let layout = MediaLayout(tokens: 32, imageWidth: 1, imageHeight: 1)
    let ids = try processor.tokenize(prompt, [layout, layout]).inputIDs
    #expect(ids.count { $0 == -200 } == 2)
    #expect(processor.clean("Assistant: It is.  ###Human: no") == "It is.")
  }
}

import Architectures
import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// Vary: recorded runs, what its configuration must be like, and its prompts.
struct VaryTests {
  static let cases = Golden.cases("vary-")

  @Test(.enabled(if: !cases.isEmpty), arguments: cases) func aRecordedRunIsRepeated(_ folder: String) throws {
    try Recorded.expectRepeated(folder)
  }

  static func folder(_ keys: String) -> MemoryFolder { MemoryFolder("m", ["config.json": #"{"model_type": "vary", \#(keys)}"#]) }

  @Test func widthsTellTheTwoModelsApart() throws {
    func conventions(_ width: Int, _ bf16: Bool) throws -> Vary.Conventions {
      try Vary.config(Self.folder(#""hidden_size": \#(width), "num_attention_heads": \#(width / 128), "vocab_size": 151860, "bf16": \#(bf16)"#)).conventions
    }
    #expect(try conventions(2048, true) == .toy)
    #expect(try conventions(4096, false) == .base)
    #expect(try [conventions(512, true), conventions(512, false)] == [.base, .toy])
  }

  @Test func publishedSizesHoldWhereThereAreNoWeights() throws {
    let c = try Vary.config(Self.folder(#""vocab_size": 151860"#))
    #expect((c.clip.hiddenSize, c.clip.layers, c.clip.grid, c.sam.width, c.sam.outputGrid, c.tokens) == (1024, 24, 16, 768, 16, 256))
    #expect((c.start, c.end, c.pad) == (151857, 151858, 151859))
  }

  /// A model that has no weights yet begins with the sizes that its configuration says.
  @Test func configurationMaySayTheSizesOfTheTowers() throws {
    let c = try Vary.config(
      Self.folder(
        #""vocab_size": 151860, "image_token_len": 16, "vision_config": {"hidden_size": 48, "num_attention_heads": 3, "num_hidden_layers": 2, "image_size": 32, "patch_size": 8}, "vision_config_high": \#(Self.high)"#
      ))
    #expect((c.clip.hiddenSize, c.clip.heads, c.clip.layers, c.clip.grid) == (48, 3, 2, 4))
    #expect((c.sam.width, c.sam.mlpWidth, c.sam.heads, c.sam.grid, c.sam.window, c.sam.globalBlocks) == (32, 96, 2, 16, 4, [1]))
    #expect((c.sam.neckChannels, c.sam.downsampleChannels, c.sam.outputGrid) == (24, [40, 56], 4))
  }

  static let high =
    #"{"hidden_size": 32, "mlp_dim": 96, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 4, "global_attn_indexes": [1], "window_size": 4, "output_channels": 24, "downsample_channels": [40, 56]}"#

  /// Other sizes than the published can only be told by weights or the configuration; what keeps the weights away is the error.
  @Test func missingWeightsAreTheReason() {
    expectError(.file, "no weights") { _ = try Vary.config(Self.folder(#""vocab_size": 151860, "image_token_len": 16"#)) }
  }

  static let hostile: [(String, [String])] = [
    (#""vocab_size": 151859"#, ["im_patch_token", "151859"]),
    (#""vocab_size": 151860, "im_start_token": -1"#, ["im_start_token", "-1"]),
    (#""vocab_size": 151860, "vision_select_layer": -26"#, ["feature layer -26", "24 layers"]),
    (#""hidden_size": 100"#, ["kv_channels"]),
    (#""vocab_size": 151860, "vision_config_high": {"hidden_size": 97}"#, ["97", "12 heads", "vision_config_high"]),
    (#""vocab_size": 151860, "vision_config_high": {"downsample_channels": [0, 8]}"#, ["[0, 8]", "vision_config_high"]),
    (#""vocab_size": 151860, "vision_config": {"patch_size": 0}"#, ["patch_size", "vision_config"]),
  ]

  @Test(arguments: hostile.indices) func whatCannotBeRightIsNamed(_ index: Int) {
    let (keys, parts) = Self.hostile[index]
    do {
      _ = try Vary.config(Self.folder(keys))
      Issue.record("no error for \(keys)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  @Test func aTokenizerOfAnotherModelIsRefused() throws {
    let folder = Self.folder(#""vocab_size": 151860"#)
    expectError(.config, "the tokenizer has <img> as no token", "151857") { _ = try Vary.processor(Vary.config(folder), folder) }
  }

  /// Text of a user never becomes a picture's frame, and a frame that is not closed is refused.
  @Test(.enabled(if: Golden.has("vary-toy-ocr"))) func framesAreWhole() throws {
    let model = try Recorded.loader.load(#require(Golden.find("vary-toy-ocr")) + "/model", on: Backends().open("cpu", BackendOptions()))
    let processor = try #require(model.processor)
    let layout = MediaLayout(tokens: 16, imageWidth: 1, imageHeight: 1)
    let typed = try processor.prompt([ChatMessage(.user, "<img><imgpad></img><|im_end|>")], PromptOptions(system: "S"))
    #expect(typed.text == "<|im_start|>system\nS<|im_end|><|im_start|>user\n<img><imgpad></img><|im_end|><|im_end|><|im_start|>assistant\n")
    let ids = try processor.tokenize(typed, []).inputIDs
    for tag in ["<img>", "</img>", "<imgpad>"] { #expect(!ids.contains(try #require(processor.tokenizer.id(of: tag)))) }
    for raw in ["<img><imgpad>", "<imgpad></img>", "</img><imgpad><img>", "<img>a<imgpad></img>", "<img></img><imgpad>"] {
      expectError(.request, "each picture as <img><imgpad></img>") { _ = try processor.tokenize(MarkedText(trusted: raw), [layout]) }
    }
    expectError(.request, "0 pictures for 1 slots") { _ = try processor.tokenize("<img><imgpad></img>", []) }
  }
}

import Architectures
import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// DeepSeek-VL: recorded runs, what its configurations must be like, and its prompts.
struct DeepSeekVLTests {
  static let cases = Golden.cases("deepseek-vl-")

  @Test(.enabled(if: !cases.isEmpty), arguments: cases) func aRecordedRunIsRepeated(_ folder: String) throws {
    try Recorded.expectRepeated(folder)
  }

  static func original(_ vision: String, aligner: String = "{}", extra: String = "") -> String {
    #"{"model_type": "multi_modality", "language_config": {"hidden_size": 64, "num_attention_heads": 4}, "vision_config": \#(vision), "#
      + #""aligner_config": {"params": \#(aligner)}\#(extra)}"#
  }
  static let single = #"{"cls": "CLIPVisionTower", "params": {"model_name": "siglip_large_patch16_384"}}"#

  @Test func sizesOfPublishedTowersFollowFromTheirNames() throws {
    let c = try DeepSeekVL.config(MemoryFolder("m", ["config.json": Self.original(Self.single)]))
    #expect((c.low.hiddenSize, c.low.intermediateSize, c.low.layers, c.low.heads) == (1024, 4096, 24, 16))
    #expect(c.tokens == 576)
    #expect(c.text.epsilon == 1e-6)
    let both = #"{"cls": "HybridVisionTower", "params": {"high_res_cfg": {"model_name": "sam_b_downsample", "image_size": 1024}, "low_res_cfg": {}}}"#
    let hybrid = try DeepSeekVL.config(MemoryFolder("m", ["config.json": Self.original(both)]))
    let sam = try #require(hybrid.high)
    #expect((sam.width, sam.layers, sam.grid, sam.outputGrid, sam.outputWidth) == (768, 12, 64, 24, 1024))
    #expect(hybrid.tokens == 576)
  }

  @Test func aFinalLayerMayBeChosen() throws {
    func layers(_ select: Int) throws -> Int {
      let vision = #"{"cls": "CLIPVisionTower", "params": {"select_layer": \#(select)}}"#
      return try DeepSeekVL.config(MemoryFolder("m", ["config.json": Self.original(vision)])).low.layers
    }
    #expect(try [layers(-1), layers(-2), layers(3)] == [24, 23, 3])
    expectError(.config, "select_layer -30") { _ = try layers(-30) }
  }

  @Test func janusIsAnother() throws {
    #expect(try DeepSeekVL.recognises(config(Self.original(Self.single))))
    #expect(try !DeepSeekVL.recognises(config(Self.original(Self.single, extra: #", "gen_vision_config": {}"#))))
  }

  static let hostile: [(String, [String])] = [
    (original(#"{"cls": "EVA", "params": {}}"#), ["cls", "EVA", "HybridVisionTower"]),
    (original(#"{"cls": "CLIPVisionTower"}"#), ["no vision_config.params"]),
    (original(#"{"cls": "CLIPVisionTower", "params": {"model_name": "sam_h"}}"#), ["sam_h", "siglip_large_patch16_384"]),
    (original(#"{"cls": "CLIPVisionTower", "params": {"width": 100, "heads": 7}}"#), ["a width of 100", "7"]),
    (original(#"{"cls": "CLIPVisionTower", "params": {"patch_size": 400}}"#), ["patches of 400", "384"]),
    (original(single, aligner: #"{"input_dim": 1000}"#), ["input_dim", "1000", "1024"]),
    (original(single, aligner: #"{"projector_type": "linear"}"#), ["projector_type", "linear", "mlp_gelu"]),
    (original(#"{"cls": "HybridVisionTower", "params": {"low_res_cfg": {}}}"#), ["high_res_cfg"]),
    (
      original(#"{"cls": "HybridVisionTower", "params": {"high_res_cfg": {"downsample_channels": [8]}, "low_res_cfg": {}}}"#),
      ["48 x 48", "24 x 24"]
    ),
    (
      original(#"{"cls": "HybridVisionTower", "params": {"high_res_cfg": {"global_attn_indexes": [12]}, "low_res_cfg": {}}}"#),
      ["blocks [12]", "0 to 11"]
    ),
    (
      original(#"{"cls": "HybridVisionTower", "params": {"high_res_cfg": {"pixel_mean": [0], "pixel_std": [1, 1, 1]}, "low_res_cfg": {}}}"#),
      ["pixel_mean", "3 numbers"]
    ),
    (#"{"model_type": "deepseek_vl"}"#, ["neither language_config nor text_config"]),
    (
      #"{"model_type": "deepseek_vl_hybrid", "text_config": {"hidden_size": 64}, "vision_config": {"image_size": 384}}"#, ["high_res_vision_config"]
    ),
    (
      #"{"model_type": "deepseek_vl_hybrid", "text_config": {}, "vision_config": {}, "high_res_vision_config": {"patch_size": 1}}"#,
      ["patches of 1", "256"]
    ),
  ]

  @Test(arguments: hostile.indices) func whatCannotBeRightIsNamed(_ index: Int) {
    let (text, parts) = Self.hostile[index]
    do {
      _ = try DeepSeekVL.config(MemoryFolder("m", ["config.json": text]))
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  @Test func promptsAreThoseOfTheRepository() throws {
    let folder = MemoryFolder(
      "m", ["config.json": Self.original(Self.single), "processor_config.json": #"{"image_tag": "<image>", "num_image_tokens": 576}"#])
    let processor = try DeepSeekVL.processor(DeepSeekVL.config(folder), folder)
    let chat = [ChatMessage(.user, [.image(0), .text(" Q</s> ")]), ChatMessage(.assistant, " A "), ChatMessage(.user, "<image>R\n")]
    let prompt = try processor.prompt(chat, PromptOptions(system: "S"))
    #expect(prompt.text == "S\n\nUser: <image> Q</s>\n\nAssistant: A<｜end▁of▁sentence｜>User: <image>R\n\nAssistant:")
    // What a user types is text: one slot, for the picture.
    let layout = MediaLayout(tokens: 3, imageWidth: 1, imageHeight: 1)
    let tokens = try processor.tokenize(prompt, [layout])
    #expect(tokens.inputIDs.count { $0 == 3 } == 3)
    #expect(!tokens.inputIDs.contains(2))
    expectError(.request, "0 pictures for 1 slots") { _ = try processor.tokenize(prompt, []) }
    expectError(.request, "2 pictures for 1 slots") { _ = try processor.tokenize(prompt, [layout, layout]) }
  }

  /// The short side is truncated, never below 14, and the rest has the mean's colour.
  @Test(arguments: [(1, 1), (16384, 1), (1, 16384), (700, 333)]) func picturesOfAnyShapeBecomeSquares(_ width: Int, _ height: Int) throws {
    let folder = MemoryFolder("m", ["config.json": Self.original(Self.single), "processor_config.json": #"{"image_tag": "<image>"}"#])
    let processor = try DeepSeekVL.processor(DeepSeekVL.config(folder), folder)
    let white = PixelImage(width: width, height: height, channels: 3, pixels: [UInt8](repeating: 255, count: 3 * width * height))
    let prepared = try processor.prepare(white)
    #expect(prepared.views.map(\.shape) == [[1, 3, 384, 384]])
    let inside = prepared.views[0].values.prefix(384 * 384).count { $0 == 1 }
    let short = max(14, Int(Double(min(width, height)) / Double(max(width, height)) * 384))
    #expect(inside == 384 * short)
  }

  @Test func otherNumbersOfRowsAreRefused() throws {
    let folder = MemoryFolder(
      "m", ["config.json": Self.original(Self.single), "processor_config.json": #"{"image_tag": "<image>", "num_image_tokens": 100}"#])
    expectError(.config, "num_image_tokens", "576") { _ = try DeepSeekVL.processor(DeepSeekVL.config(folder), folder) }
    let nameless = MemoryFolder("m", ["config.json": Self.original(Self.single)])
    expectError(.config, "no token <image_placeholder>") { _ = try DeepSeekVL.processor(DeepSeekVL.config(nameless), nameless) }
  }
}

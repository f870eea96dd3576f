public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Vary and Vary-toy (Wei et al. 2023, 2024): CLIP at 224 pixels and a SAM-type "vision vocabulary" at 1024, joined channel
/// by channel, in front of Qwen's first generation.
public enum Vary: Architecture {
  public static let id = "vary"
  public static let claims = ["vary", "varyQwenForCausalLM"]

  public struct Config: Sendable {
    public var text: LlamaConfig
    public var clip: CLIPConfig
    public var features: FeatureLayers
    public var sam: SAMConfig
    public var conventions: Conventions
    /// Ids of `<img>`, `</img>` and `<imgpad>`.
    public var start: Int32
    public var end: Int32
    public var pad: Int32
    /// Rows of a picture.
    public var tokens: Int
  }

  /// The two published models share configuration keys and differ in their code: how the large view is made, and whether
  /// a line ends behind a picture.
  public enum Conventions: Sendable, Hashable { case toy, base }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    let text = try QwenLM.config(c)
    let source = try? folder.weights()
    let clip = try TowerShapes.clip(c, source, at: folder.name)
    let sam = try TowerShapes.sam(c, source, at: folder.name)
    let layer = try c.int("vision_select_layer", default: -1, in: -1024...1024)
    let features = try FeatureLayers([layer], of: clip.layers, keepsClassToken: false, at: "config.json: vision_select_layer")
    func id(_ key: String, _ published: Int) throws(AviaryError) -> Int32 {
      let id = try c.int(key, default: published, in: 0...4_194_303)
      guard id < text.vocabularySize else {
        throw AviaryError(.config, "\(key) \(id)", wanted: "below vocab_size \(text.vocabularySize)", at: "config.json")
      }
      return Int32(id)
    }
    let tokens = try c.int("image_token_len", default: 256, in: 1...65_536)
    guard tokens == clip.grid * clip.grid, clip.grid == sam.outputGrid else {
      // Without weights the published sizes were taken: then what keeps the weights away is the reason.
      if source == nil { _ = try folder.weights() }
      throw AviaryError(
        .config, "image_token_len \(tokens)", wanted: "\(clip.grid * clip.grid) and \(sam.outputGrid * sam.outputGrid), the rows of the two towers",
        at: "config.json")
    }
    guard text.hiddenSize % 2 == 0 else {
      throw AviaryError(.config, "hidden_size \(text.hiddenSize)", wanted: "an even one, half for each tower", at: "config.json")
    }
    return Config(
      text: text, clip: clip, features: features, sam: sam, conventions: try conventions(c, text.hiddenSize), start: try id("im_start_token", 151_857),
      end: try id("im_end_token", 151_858), pad: try id("im_patch_token", 151_859), tokens: tokens)
  }

  /// No published key names the model. Vary-toy stands on Qwen 1.8B and Vary on Qwen 7B, which their widths tell; of widths
  /// that nobody published, `variant` may say it, else those that run in bfloat16 count as Vary.
  private static func conventions(_ c: ConfigReader, _ width: Int) throws(AviaryError) -> Conventions {
    if c.has("variant") { return try c.choice("variant", of: [("toy", .toy), ("base", .base)]) }
    switch width {
    case 2048: return .toy
    case 4096: return .base
    default: return try c.bool("bf16", default: false) ? .base : .toy
    }
  }

  public static func weights(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let (clip, sam) = ("transformer.vision_tower.vision_model.", "transformer.vision_tower_high.")
    let rules: [NameMap.Rule] = [
      .ignoreSuffix("position_ids"), .prefix(sam + "net_2.", "vision_tower_high.downsamples.0."), .prefix(sam + "net_3.", "vision_tower_high.downsamples.1."),
    ]
    let rest: [NameMap.Rule] = [
      .prefix(clip, "vision_tower."), .prefix("transformer.mm_projector.", "mm_projector."),
      .prefix("transformer.mm_projector_vary.", "mm_projector_vary."),
    ]
    return (
      try folder.weights(),
      NameMap(
        rules + SAMViT.names(c.sam, from: sam, to: "vision_tower_high.") + ClipNames.unused(below: clip, c.clip, c.features) + rest
          + QwenLM.names(c.text, to: "language_model."))
    )
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<TwinTowers<CLIPViT, SAMViT>, SplitProjector, Llama> {
    let eyes = TwinTowers(
      try CLIPViT(w["vision_tower"], c.clip, c.features), try SAMViT(w["vision_tower_high"], c.sam),
      names: ("vision_features", "vision_features_high"))
    let half = c.text.hiddenSize / 2
    let bridge = try SplitProjector([(w["mm_projector"], eyes.first.width, half), (w["mm_projector_vary"], eyes.second.width, half)])
    return Spliced(eyes, bridge, try Llama(w["language_model"], c.text))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try VaryProcessor(config, folder)
  }
}

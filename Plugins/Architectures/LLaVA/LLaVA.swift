public import AviaryCore
import AviaryNN
public import AviaryParts
public import AviaryTensor

/// LLaVA 1.5 and 1.6 (Liu et al. 2023, 2024): CLIP, a two-layer projector, and a decoder: Llama, Mistral, or any other that
/// `DecoderConfig` knows; Hugging Face's layout and the original one.
public enum LLaVA: Architecture {
  public static let id = "llava"
  public static let claims = [
    "llava", "llava_next", "llava_llama", "llava_mistral", "LlavaForConditionalGeneration", "LlavaNextForConditionalGeneration",
    "LlavaLlamaForCausalLM", "LlavaMistralForCausalLM", "llava_mpt", "LlavaMptForCausalLM", "LlavaMPTForCausalLM",
  ]

  public struct Config: Sendable {
    public var text: DecoderConfig
    public var vision: CLIPConfig
    public var features: FeatureLayers
    /// Set where pictures of any shape are cut into tiles (1.6).
    public var gridPinpoints: [[Int]]?
    public var hasNewline: Bool
    public var layout: Layout

    public enum Layout: Sendable {
      /// The id that stands for a picture's row.
      case huggingFace(imageToken: Int32, projectorBias: Bool, projectorActivation: UnaryKind)
      case original(OriginalLayout)
    }
  }

  /// Yi-VL's files say `llava` too; its projector has norms.
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    let names = try config.strings("architectures") + [config.string("model_type", default: "")]
    let projector = try config.string("mm_projector_type", default: "")
    return names.contains { claims.contains($0) } && !projector.hasSuffix("_Norm")
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    if c.has("mm_vision_tower") {
      let original = try OriginalLayout(folder)
      let isTiled = original.aspectRatio == "anyres"
      if isTiled, !original.unpads {
        throw AviaryError(.config, "tiles without spatial merging", wanted: "mm_patch_merge_type spatial_unpad", at: "config.json")
      }
      return Config(
        text: original.text, vision: original.vision, features: original.features,
        gridPinpoints: isTiled ? original.gridPinpoints : nil, hasNewline: isTiled, layout: .original(original))
    }
    guard let visionConfig = try c.object("vision_config"), let textConfig = try c.object("text_config") else {
      throw AviaryError(.config, "neither vision_config and text_config nor mm_vision_tower", wanted: "one of LLaVA's two layouts", at: "config.json")
    }
    let vision = try CLIPConfig(visionConfig)
    let isNext = try c.string("model_type", default: "llava") == "llava_next"
    let hasNewline = try c.bool("use_image_newline_parameter", default: true)
    let imageToken = try c.int(c.has("image_token_index") ? "image_token_index" : "image_token_id", default: 32000, in: 0...4_194_303)
    return Config(
      text: try DecoderConfig(textConfig, default: "llama"), vision: vision, features: try features(c, vision),
      gridPinpoints: isNext ? try c.has("image_grid_pinpoints") ? GridPinpoints.read(c) : GridPinpoints.published : nil,
      hasNewline: isNext && hasNewline,
      layout: .huggingFace(
        imageToken: Int32(imageToken),
        projectorBias: try c.bool("multimodal_projector_bias", default: true),
        projectorActivation: try c.choice("projector_hidden_act", default: "gelu", of: Activation.byName)))
  }

  private static func features(_ c: ConfigReader, _ vision: CLIPConfig) throws(AviaryError) -> FeatureLayers {
    var layers: [Int] = []
    if let items = try c.array("vision_feature_layer", orOne: true, maxCount: 64) {
      for item in items {
        guard let layer = item.int else { throw AviaryError(.config, item.kindDescription, wanted: "a layer's number", at: "config.json: vision_feature_layer") }
        layers.append(layer)
      }
    } else {
      layers = [-2]
    }
    let keeps = try c.choice("vision_feature_select_strategy", default: "default", of: [("default", false), ("full", true)])
    return try FeatureLayers(layers, of: vision.layers, keepsClassToken: keeps, at: "config.json: vision_feature_layer")
  }

  public static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    if case .original(let original) = config.layout { return try original.weights(folder) }
    // Newer saves put everything below `model.` and leave `vision_model.` out.
    var rules: [NameMap.Rule] = [.ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq")]
    for scope in ["vision_tower.vision_model.", "model.vision_tower.vision_model.", "model.vision_tower.", "vision_tower."] {
      rules += ClipNames.unused(below: scope, config.vision, config.features)
    }
    rules += [
      .prefix("vision_tower.vision_model.", "vision_tower.vision_model."),
      .prefix("model.vision_tower.vision_model.", "vision_tower.vision_model."),
      .prefix("model.vision_tower.", "vision_tower.vision_model."), .prefix("vision_tower.", "vision_tower.vision_model."),
      .prefix("model.multi_modal_projector.", "multi_modal_projector."), .exact("model.image_newline", "image_newline"),
      .prefix("model.language_model.", "language_model.\(config.text.scope)."), .exact("lm_head.weight", "language_model.\(config.text.headScope).weight"),
    ]
    rules += config.text.names(from: "language_model.", to: "language_model.")
    return (try folder.weights(), NameMap(rules))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<CLIPViT, TilePacker<MLPProjector>, AnyDecoder> {
    let eye = try CLIPViT(w["vision_tower"]["vision_model"], c.vision, c.features)
    let scope = w["multi_modal_projector"]
    let bridge: MLPProjector =
      switch c.layout {
      case .original(let original): try original.projector(scope)
      case .huggingFace(_, let bias, let activation):
        try MLPProjector(scope, eye.width, c.text.width, [.linear("linear_1"), .activation(activation), .linear("linear_2")], bias: bias)
      }
    let newline = c.hasNewline ? try w.weight("image_newline", [c.text.width]) : nil
    return Spliced(eye, TilePacker(bridge, newline: newline), try c.text.model(w["language_model"]))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try LLaVAProcessor(config, folder)
  }
}

public import AviaryCore
import AviaryNN
public import AviaryParts
public import AviaryTensor

/// ViP-LLaVA (Cai et al. 2024, arXiv:2312.00784): LLaVA that takes its features from five layers of CLIP, so that it
/// sees arrows and circles that somebody drew on the picture as well as what the picture shows.
public enum ViPLLaVA: Architecture {
  public static let id = "vipllava"
  public static let claims = ["vipllava", "VipLlavaForConditionalGeneration"]

  public struct Config: Sendable {
    public var text: LlamaConfig
    public var vision: CLIPConfig
    public var features: FeatureLayers
    public var activation: UnaryKind
    /// The token that stands for one row of a picture.
    public var imageToken: Int32
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    guard let text = try c.object("text_config"), let vision = try c.object("vision_config") else {
      throw AviaryError(.config, "no text_config or no vision_config", wanted: "both", at: "config.json")
    }
    let clip = try CLIPConfig(vision)
    var layers: [Int] = []
    for item in try c.array("vision_feature_layers", orOne: true, maxCount: 64) ?? [-2, -5, -8, -11, 6].map(JSONValue.int) {
      guard let layer = item.int else { throw AviaryError(.config, item.kindDescription, wanted: "a layer's number", at: "config.json: vision_feature_layers") }
      layers.append(layer)
    }
    return Config(
      text: try LlamaConfig(text), vision: clip,
      features: try FeatureLayers(layers, of: clip.layers, keepsClassToken: false, at: "config.json: vision_feature_layers"),
      activation: try c.choice("projector_hidden_act", default: "gelu", of: Activation.byName),
      imageToken: Int32(try c.int("image_token_index", default: 32000, in: 0...4_194_303)))
  }

  public static func weights(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    // The first rule that fits a stored name decides; the structs below ask for what comes out.
    let tower = "vision_tower.vision_model."
    let rules: [NameMap.Rule] = [
      .ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq"), .prefix("multi_modal_projector.", "projector."),
    ]
    return (try folder.weights(), NameMap(rules + ClipNames.unused(below: tower, c.vision, c.features)))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<CLIPViT, MLPProjector, Llama> {
    let eye = try CLIPViT(w["vision_tower"]["vision_model"], c.vision, c.features)
    let bridge = try MLPProjector(
      w["projector"], eye.width, c.text.hiddenSize,
      [.norm("projector_layernorm"), .linear("linear_1"), .activation(c.activation), .linear("linear_2")])
    return Spliced(eye, bridge, try Llama(w["language_model"], c.text))
  }

  public static func processor(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor { try ViPLLaVAProcessor(c, folder) }
}

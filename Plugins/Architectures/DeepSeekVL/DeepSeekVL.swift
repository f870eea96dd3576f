public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// DeepSeek-VL (Lu et al. 2024), 1.3B with one tower and 7B with two; the original layout and Hugging Face's.
public enum DeepSeekVL: Architecture {
  public static let id = "deepseek-vl"
  public static let claims = [
    "multi_modality", "deepseek_vl", "deepseek_vl_hybrid", "MultiModalityCausalLM", "DeepseekVLForConditionalGeneration",
    "DeepseekVLHybridForConditionalGeneration",
  ]

  /// Janus says `multi_modality`, too, and has sections for making pictures.
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    let names = try config.strings("architectures") + [config.string("model_type", default: "")]
    return names.contains { claims.contains($0) } && !config.has("gen_vision_config")
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config { try Config(try folder.config()) }

  public static func weights(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    (try folder.weights(), NameMap([.ignoreSuffix("rotary_emb.inv_freq")] + (c.isOriginal ? originalNames(c) : huggingFaceNames(c))))
  }

  private static func originalNames(_ c: Config) -> [NameMap.Rule] {
    let (high, low) = ("vision_model.vision_tower_high.vision_tower.", "vision_model.vision_tower_low.vision_tower.")
    guard let sam = c.high else {
      return SigLIP.timmNames(c.low, from: "vision_model.vision_tower.", to: "low.") + [
        .prefix("aligner.layers.0.", "aligner.linear1."), .prefix("aligner.layers.2.", "aligner.linear2."),
      ]
    }
    return SAMViT.names(sam, from: high, to: "high.") + SigLIP.timmNames(c.low, from: low, to: "low.") + [
      // Norms of the tower that its code never calls.
      .ignorePrefix("vision_model.high_layer_norm."), .ignorePrefix("vision_model.low_layer_norm."),
      .prefix("aligner.high_up_proj.", "aligner.high_res_vision_proj."), .prefix("aligner.low_up_proj.", "aligner.vision_proj."),
      .prefix("aligner.layers.1.", "aligner.proj."),
    ]
  }

  private static func huggingFaceNames(_ c: Config) -> [NameMap.Rule] {
    var rules: [NameMap.Rule] = [.ignoreSuffix("position_ids")]
    if let sam = c.high {
      rules += SAMViT.names(sam, from: "model.high_res_vision_model.vision_encoder.", to: "high.")
      rules += [
        .prefix("model.high_res_vision_neck.", "high.side_neck."), .exact("model.high_res_vision_alpha", "high.side_alpha"),
        .prefix("model.high_res_vision_proj.conv1.", "high.downsamples.0."), .prefix("model.high_res_vision_proj.conv2.", "high.downsamples.1."),
      ]
    }
    // Newer saves leave one `vision_model.` out.
    return rules + [
      .prefix("model.vision_model.vision_model.", "low."), .prefix("model.vision_model.", "low."), .prefix("model.aligner.", "aligner."),
      .prefix("model.language_model.", "language_model.model."), .exact("lm_head.weight", "language_model.lm_head.weight"),
    ]
  }

  /// One tower and a two-layer projector, or two towers and a projector for each.
  public enum Model: MultimodalModel {
    case single(Spliced<SigLIP, MLPProjector, Llama>)
    case hybrid(Spliced<TwinTowers<SelfNormalizing<SAMViT>, SigLIP>, SplitProjector, Llama>)

    private var inner: any MultimodalModel {
      switch self {
      case .single(let model): model
      case .hybrid(let model): model
      }
    }
    public var language: Llama {
      switch self {
      case .single(let model): model.language
      case .hybrid(let model): model.language
      }
    }
    public var canSee: Bool { inner.canSee }
    public var viewShapes: [Shape] { inner.viewShapes }
    public func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept { inner.perceive(views, layout) }
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Model {
    let low = try SigLIP(w["low"], c.low)
    let width = c.text.hiddenSize
    let scope = w["aligner"]
    var text = c.text
    // Hugging Face's default is to tie, and its loader does not where the file has a head.
    text.tiesEmbeddings = text.tiesEmbeddings && !w["language_model"].has("lm_head.weight")
    let language = try Llama(w["language_model"], text)
    guard let sam = c.high else {
      let bridge = try MLPProjector(scope, low.width, width, [.linear("linear1"), .activation(.gelu), .linear("linear2")])
      return .single(Spliced(low, bridge, language))
    }
    let high = try SelfNormalizing(w["high"], try SAMViT(w["high"], sam), c.highStatistics)
    let bridge = try SplitProjector(
      [(scope["high_res_vision_proj"], high.width, width / 2), (scope["vision_proj"], low.width, width - width / 2)],
      then: try MLPProjector(scope, width, width, [.activation(.gelu), .linear("proj")]))
    return .hybrid(Spliced(TwinTowers(high, low, names: ("vision_features_high", "vision_features_low")), bridge, language))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try DeepSeekVLProcessor(config, folder)
  }
}

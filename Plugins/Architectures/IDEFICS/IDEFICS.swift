public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// IDEFICS (Laurençon et al. 2023): Hugging Face's Flamingo of a CLIP ViT-H/14, a Perceiver resampler and a Llama with
/// gated cross-attention blocks in front of every few layers.
public enum IDEFICS: Architecture {
  public static let id = "idefics"
  public static let claims = ["idefics", "IdeficsForVisionText2Text"]

  public struct Config: Sendable {
    public var text: LlamaConfig
    public var vision: CLIPConfig
    public var features: FeatureLayers
    public var perceiver: PerceiverConfig
    /// Every so many layers, from the first, have a block in front.
    public var interval: Int
    /// Where there are no tensors to say it.
    public var declaresHeadNorms: Bool
    public var declaresVectorGates: Bool
    /// Where training starts from nothing.
    public var gatesBegin: Float
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    var text = try LlamaConfig(c)
    text.contextLength = try c.int("max_sequence_length", default: text.contextLength, in: 1...16_777_216)
    text.additionalVocabulary = try c.int("additional_vocab_size", default: 0, in: 0...65_536)
    guard let visionConfig = try c.object("vision_config"), let resampler = try c.object("perceiver_config") else {
      throw AviaryError(.config, "no vision_config or no perceiver_config", wanted: "both", at: "config.json")
    }
    var vision = try CLIPConfig(visionConfig, types: ["idefics", "clip_vision_model"], width: "embed_dim")
    if !visionConfig.has("hidden_act") { vision.activation = .gelu }
    guard try c.bool("use_resampler", default: true) else {
      throw AviaryError(.config, "use_resampler false", wanted: "true: every published checkpoint has a resampler", at: "config.json")
    }
    let perceiver = PerceiverConfig(
      width: vision.hiddenSize, latents: try resampler.int("resampler_n_latents", default: 64, in: 1...65_536),
      depth: try resampler.int("resampler_depth", default: 6, in: 1...256), heads: try resampler.int("resampler_n_heads", default: 16, in: 1...1024),
      head: try resampler.int("resampler_head_dim", default: 96, in: 1...4096),
      form: .idefics(normalisesHeads: try resampler.bool("qk_layer_norms_perceiver", default: false)))
    return Config(
      text: text, vision: vision, features: try FeatureLayers([-1], of: vision.layers, keepsClassToken: true, at: "config.json: vision_config"),
      perceiver: perceiver, interval: try c.int("cross_layer_interval", default: 1, in: 1...1024),
      declaresHeadNorms: try c.bool("qk_layer_norms", default: false),
      declaresVectorGates: try c.choice("alpha_type", default: "float", of: [("float", false), ("vector", true)]),
      gatesBegin: try c.string("alpha_initializer", default: "zeros") == "ones" ? 1 : 0)
  }

  public static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let rules: [NameMap.Rule] = [.ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq")]
    return (try folder.weights(), NameMap(rules + ClipNames.unused(below: "model.vision_model.", config.vision, config.features)))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> CrossAttended<CLIPViT, Perceiver, Llama, GatedCrossAttention> {
    let model = w["model"]
    let eye = try CLIPViT(model["vision_model"], c.vision, c.features)
    let resampler = try Perceiver(model["perceiver_resampler"], c.perceiver)
    let llama = try Llama(w, c.text)
    var blocks: [GatedCrossAttention?] = []
    for layer in 0..<c.text.layers {
      guard layer % c.interval == 0 else {
        blocks.append(nil)
        continue
      }
      let scope = model["gated_cross_attn_layers"][layer / c.interval]
      // Some saves say otherwise than their tensors are.
      let hasHeadNorms = scope.isEmpty ? c.declaresHeadNorms : scope["cross_attn"].has("q_layer_norm.weight")
      let hasVectorGates = try scope.storedShape("alpha_cross_attn").map { $0.count == 3 } ?? c.declaresVectorGates
      blocks.append(
        try GatedCrossAttention(
          idefics: scope, c.text, context: eye.width, normalisesHeads: hasHeadNorms, hasVectorGates: hasVectorGates, gatesBegin: c.gatesBegin))
    }
    return CrossAttended(eye, resampler, Interleaved(llama, blocks), tokens: c.perceiver.latents, width: eye.width)
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try IDEFICSProcessor(config, folder)
  }
}

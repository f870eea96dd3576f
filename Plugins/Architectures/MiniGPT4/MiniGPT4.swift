public import AviaryCore
import AviaryNN
public import AviaryParts
public import AviaryTensor

/// MiniGPT-4 (Zhu et al. 2023, arXiv:2304.10592): EVA-CLIP, BLIP-2's Q-Former and a linear layer in front of Vicuna; or,
/// without the Q-Former, in front of LLaMA 2.
public enum MiniGPT4: Architecture {
  public static let id = "minigpt4"
  public static let claims = ["minigpt4"]

  public struct Config: Sendable {
    public var variant: Variant
    public var files: MiniGPT4Files
    public var text: LlamaConfig
    public var vision: EVAConfig
    public var qformer: QFormerConfig?
    public var mean: [Double]
    public var std: [Double]

    /// Rows of a picture.
    public var tokens: Int { qformer?.queries ?? vision.grid * vision.grid / MiniGPT4Adapter.group }
  }

  public enum Variant: Sendable, Hashable { case vicuna, llama2 }

  /// From a `config.json` that says sizes and files, or from the YAML files of the repository, which name only files.
  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    let variant: Variant = try c.choice(
      "variant", default: "vicuna0",
      of: [
        ("vicuna0", .vicuna), ("pretrain_vicuna", .vicuna), ("pretrain_vicuna0", .vicuna), ("llama2", .llama2), ("pretrain_llama2", .llama2),
      ])
    let files = try MiniGPT4Files(c, variant)
    let side = try c.int("image_size", default: 224, in: 1...4096)
    let vision = try EVAConfig(
      try c.object("vision") ?? .empty("config.json: vision"), imageSize: side,
      outputEpsilon: try c.number("ln_vision_eps", default: 1e-5, in: 0...1), hasTrainedNorm: variant == .vicuna)
    if variant == .llama2, vision.grid * vision.grid % MiniGPT4Adapter.group != 0 {
      throw AviaryError(
        .config, "\(vision.grid * vision.grid) patches", wanted: "a multiple of \(MiniGPT4Adapter.group), which become one row", at: "config.json: image_size")
    }
    let qformer =
      variant == .vicuna ? try QFormerConfig(try c.object("qformer") ?? .empty("config.json: qformer"), encoderWidth: vision.width) : nil
    var text = try LlamaConfig(try files.languageFolder(folder).config())
    // The repository loads the language model in float16, and its transformers make the rotary tables in that type: with exact
    // ones the logits are 3.5e-4 off.
    text.roundsRotary = true
    // The published 2048 with room; a table of any length that a file may claim is not made.
    text.contextLength = min(text.contextLength, 16_384)
    return Config(
      variant: variant, files: files, text: text, vision: vision, qformer: qformer,
      mean: try c.numbers("image_mean", count: 3, default: [0.48145466, 0.4578275, 0.40821073]),
      std: try c.numbers("image_std", count: 3, default: [0.26862954, 0.26130258, 0.27577711]))
  }

  public static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    var rules: [NameMap.Rule] = [
      .ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq"), .prefix("llama_model.", "language_model."),
      .prefix("model.llama_proj.", "llama_proj."),
      // What the trainer and other language models leave in the files.
      .ignorePrefix("optimizer."), .ignorePrefix("scaler."), .ignorePrefix("model.t5_proj."),
    ]
    if let qformer = config.qformer { rules += QFormer.names(qformer, from: "model.", to: "qformer.") }
    rules.append(config.vision.hasTrainedNorm ? .prefix("model.ln_vision.", "vision_tower.ln_vision.") : .ignorePrefix("model.ln_vision."))
    rules += EVA.names(config.vision, from: "visual_encoder.", to: "vision_tower.")
    let parts = try config.files.open(folder)
    return (SplitSource(try MergedSource(parts, duplicates: .first), [EVA.split]), NameMap(rules))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<EVA, MiniGPT4Adapter, Llama> {
    let eye = try EVA(w["vision_tower"], c.vision)
    return Spliced(eye, try MiniGPT4Adapter(w, c), try Llama(w["language_model"], c.text))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try MiniGPT4Processor(config, folder)
  }
}

/// A linear layer behind the Q-Former, or on groups of neighbouring patches.
public struct MiniGPT4Adapter: Adapter {
  let qformer: QFormer?
  let projection: Linear

  /// Patches that become one row where there is no Q-Former.
  static let group = 4

  init(_ w: Weights, _ c: MiniGPT4.Config) throws(AviaryError) {
    qformer = try c.qformer.map { sizes throws(AviaryError) in try QFormer(w["qformer"], sizes) }
    projection = try Linear(w["llama_proj"], c.qformer?.hiddenSize ?? c.vision.width * Self.group, c.text.hiddenSize, bias: true)
  }

  /// [n, 1 + grid², width] -> [n, rows, hidden]
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    if let qformer { return projection(qformer(features).tapped("qformer_output")) }
    let patches = features.slice(1, 1..<features.size(1))
    return projection(patches.reshaped(patches.size(0), -1, patches.size(2) * Self.group))
  }
}

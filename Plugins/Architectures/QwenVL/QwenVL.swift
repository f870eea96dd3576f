public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Qwen-VL and Qwen-VL-Chat, first generation (Bai et al. 2023, arXiv:2308.12966): an OpenCLIP tower, one layer of
/// cross-attention that gives each picture 256 rows, and a Qwen decoder.
public enum QwenVL: Architecture {
  public static let id = "qwen-vl"
  public static let claims = ["qwen", "QWenLMHeadModel"]

  public struct Config: Sendable {
    public var text: LlamaConfig
    public var vision: OpenCLIPConfig
    public var resampler: ResamplerConfig
    /// Where the checkpoint says it: the id of `<img>`.
    public var imageStart: Int?
  }

  /// The text models say `qwen` too; they have no `visual`.
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    let names = try config.strings("architectures") + [config.string("model_type", default: "")]
    return names.contains { claims.contains($0) } && config.has("visual")
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    if c.has("quantization_config") {
      throw AviaryError(.config, "a quantised checkpoint", wanted: "Qwen/Qwen-VL or Qwen/Qwen-VL-Chat as published", at: "config.json: quantization_config")
    }
    guard let visual = try c.object("visual") else { throw AviaryError(.config, "no such key", wanted: "an object", at: "config.json: visual") }
    let text = try QwenLM.config(c)
    let vision = try OpenCLIPConfig(visual)
    let width = try visual.int("output_dim", default: text.hiddenSize, in: 1...65_536)
    guard width == text.hiddenSize else {
      throw AviaryError(.config, "output_dim \(width)", wanted: "\(text.hiddenSize), the hidden_size", at: "config.json: visual.output_dim")
    }
    let queries = try visual.int("n_queries", default: 256, in: 1...65_536)
    let side = Int(Double(queries).squareRoot().rounded())
    guard side * side == queries else {
      throw AviaryError(.config, "n_queries \(queries)", wanted: "a square number", at: "config.json: visual.n_queries")
    }
    return Config(
      text: text, vision: vision,
      resampler: try ResamplerConfig(input: vision.width, width: width, side: side, grid: vision.grid, at: "config.json: visual.output_dim"),
      imageStart: try visual.optionalInt("image_start_id", in: 0...4_194_303))
  }

  public static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let visual = "transformer.visual."
    let adapter: [NameMap.Rule] = [
      .prefix(visual + "attn_pool.", "adapter.attn_pool."), .prefix(visual + "ln_post.", "adapter.ln_post."), .exact(visual + "proj", "adapter.proj"),
    ]
    let rules = QwenLM.names(config.text, to: "language_model.") + adapter + OpenCLIPViT.names(config.vision, from: visual, to: "vision_tower.")
    return (SplitSource(try folder.weights(), Resampler.split), NameMap(rules))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<OpenCLIPViT, Resampler, Llama> {
    Spliced(try OpenCLIPViT(w["vision_tower"], c.vision), try Resampler(w["adapter"], c.resampler), try Llama(w["language_model"], c.text))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try QwenVLProcessor(config, folder)
  }
}

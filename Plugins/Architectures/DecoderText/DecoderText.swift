public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// The decoders MPT (MosaicML 2023), GPT-NeoX (Black et al. 2022) and Qwen's first generation (Bai et al. 2023) without
/// eyes, in the layouts in which they were published.
public enum DecoderText: Architecture {
  public typealias Config = DecoderConfig
  public static let id = "decoder"
  public static let claims = ["mpt", "gpt_neox", "qwen", "MPTForCausalLM", "GPTNeoXForCausalLM", "QWenLMHeadModel"]

  /// Qwen-VL has the same names, and eyes (`visual`).
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    let names = try config.strings("architectures") + [config.string("model_type", default: "")]
    return names.contains { claims.contains($0) } && !config.has("visual")
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> DecoderConfig { try DecoderConfig(try folder.config()) }

  public static func weights(_ config: DecoderConfig, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let buffers: [NameMap.Rule] = [.ignoreSuffix("rotary_emb.inv_freq"), .ignoreSuffix("attention.bias"), .ignoreSuffix("attention.masked_bias")]
    return (try folder.weights(), NameMap(buffers + config.names(from: "", to: "language_model.")))
  }

  public static func model(_ c: DecoderConfig, _ w: Weights) throws(AviaryError) -> TextOnly<AnyDecoder> { TextOnly(try c.model(w["language_model"])) }

  public static func processor(_ config: DecoderConfig, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try TextProcessor(folder, family: id)
  }
}

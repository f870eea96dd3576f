public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Llama, Mistral and Qwen2 without eyes (Touvron et al. 2023; Jiang et al. 2023; Yang et al. 2024), in Hugging Face's layout.
public enum LlamaText: Architecture {
  public typealias Config = LlamaConfig
  public static let id = "llama"
  public static let claims = ["llama", "mistral", "qwen2", "LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"]

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> LlamaConfig { try LlamaConfig(try folder.config()) }

  public static func weights(_ config: LlamaConfig, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    (try folder.weights(), NameMap([.ignoreSuffix("rotary_emb.inv_freq")]))
  }

  public static func model(_ c: LlamaConfig, _ w: Weights) throws(AviaryError) -> TextOnly<Llama> { TextOnly(try Llama(w, c)) }

  public static func processor(_ config: LlamaConfig, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try TextProcessor(folder, family: id)
  }
}

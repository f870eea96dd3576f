public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Gemma 3 without eyes (Gemma Team 2025), in Hugging Face's layout.
public enum GemmaText: Architecture {
  public typealias Config = Gemma3Config
  public static let id = "gemma3"
  public static let claims = ["gemma3_text", "Gemma3ForCausalLM"]

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Gemma3Config { try Gemma3Config(try folder.config()) }

  public static func weights(_ config: Gemma3Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    (try folder.weights(), NameMap())
  }

  public static func model(_ c: Gemma3Config, _ w: Weights) throws(AviaryError) -> TextOnly<Gemma3> { TextOnly(try Gemma3(w, c)) }

  public static func processor(_ config: Gemma3Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try TextProcessor(folder, family: id)
  }
}

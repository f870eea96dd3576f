public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Yi-VL (01.AI 2024): LLaVA's original layout with a CLIP ViT-H/14 tower of its own, a projector with norms and a Yi
/// decoder.
public enum YiVL: Architecture {
  public typealias Config = OriginalLayout
  public static let id = "yi-vl"
  public static let claims = ["llava", "LlavaLlamaForCausalLM"]

  /// `model_type` is LLaVA's; the projector with norms is the marker.
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    try config.string("mm_projector_type", default: "").hasSuffix("_Norm")
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> OriginalLayout { try OriginalLayout(folder) }

  public static func weights(_ config: OriginalLayout, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    try config.weights(folder)
  }

  public static func model(_ c: OriginalLayout, _ w: Weights) throws(AviaryError) -> Spliced<CLIPViT, MLPProjector, AnyDecoder> {
    let eye = try CLIPViT(w["vision_tower"]["vision_model"], c.vision, c.features)
    return Spliced(eye, try c.projector(w["multi_modal_projector"]), try c.text.model(w["language_model"]))
  }

  public static func processor(_ config: OriginalLayout, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try YiVLProcessor(config, folder)
  }
}

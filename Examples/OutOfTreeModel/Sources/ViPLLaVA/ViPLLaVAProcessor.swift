import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor
import AviaryText

/// ViP-LLaVA's prompts (`###Human:` turns) and pictures (CLIP's crop).
struct ViPLLaVAProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: ViPLLaVA.Config
  private let pictures: CLIPPreprocessor
  private let template: (any PromptTemplate)?
  private let marker: String

  init(_ config: ViPLLaVA.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    template = try folder.promptTemplate()
    marker = tokenizer.token(config.imageToken) ?? "<image>"
    pictures = try CLIPPreprocessor(try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: config.vision.imageSize)
    try pictures.check(encoderSide: config.vision.imageSize, at: "preprocessor_config.json")
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer, strings: ["###"])
  }

  var imageMarker: String? { marker }
  var parameters: String { "\(ViPLLaVA.id) \(pictures)" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    if let template { return try template.render(messages, addGenerationPrompt: true, imageMarker: marker) }
    // Without a template of the checkpoint's own, the turns of the first LLaVA.
    var style = PromptStyle.llavaV0
    style.image = .init(marker + "\n")
    return try style.render(messages)
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let tokens = config.vision.grid * config.vision.grid
    return PreparedImage(views: [try pictures(rgb)], layout: MediaLayout(tokens: tokens, imageWidth: rgb.width, imageHeight: rgb.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.expanding(prompt, marker: marker, id: config.imageToken, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }
}

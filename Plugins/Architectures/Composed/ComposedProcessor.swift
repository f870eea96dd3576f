import AviaryCore
import AviaryMedia
import AviaryTensor
import AviaryText

/// The checkpoint's chat template, or pictures and texts as they stand; pictures as `preprocessor_config.json` says.
struct ComposedProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: Composed.Config
  private let pictures: CLIPPreprocessor
  private let template: (any PromptTemplate)?

  init(_ config: Composed.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    template = try folder.promptTemplate()
    let c = try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json")
    pictures = try CLIPPreprocessor(c, side: config.encoder.imageSide)
    try pictures.check(encoderSide: config.encoder.imageSide, at: "preprocessor_config.json")
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
  }

  var imageMarker: String? { config.marker }
  var parameters: String { "\(Composed.id) \(pictures)" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    if let name = options.style { throw AviaryError(.request, "no prompt style \(name)", wanted: "none: the checkpoint's own template is taken") }
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    if let template { return try template.render(messages, addGenerationPrompt: true, imageMarker: config.marker) }
    return messages.flatMap(\.parts).reduce(into: MarkedText()) { prompt, part in
      switch part {
      case .text(let text): prompt.append(text, trusted: false)
      case .image: prompt.append(config.marker, trusted: true)
      }
    }
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    return PreparedImage(
      views: [try pictures(rgb)], layout: MediaLayout(tokens: config.adapter.tokens(config.encoder), imageWidth: rgb.width, imageHeight: rgb.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.splitting(prompt, marker: config.marker, placeholder: -200, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }
}

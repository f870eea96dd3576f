import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor
import AviaryText

/// Yi-VL's prompts (`### Human:` turns) and pictures (padded to a square, as its single_inference.py does).
struct YiVLProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: OriginalLayout
  private let pictures: CLIPPreprocessor
  private let style: PromptStyle
  private let padding: PixelColour?

  init(_ config: OriginalLayout, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    style = .yiVL
    let tower = try folder.part(config.tower)
    pictures = try CLIPPreprocessor(
      try tower.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: config.vision.imageSize)
    try pictures.check(encoderSide: config.vision.imageSize, at: "\(config.tower): preprocessor_config.json")
    padding = config.aspectRatio == "pad" ? try PixelColour(mean: pictures.normalization.mean) : nil
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer, strings: style.stop)
  }

  var imageMarker: String? { "<image_placeholder>" }
  var parameters: String { "\(YiVL.id) \(pictures) \(padding.map { "\($0)" } ?? "crop")" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    return try style.render(messages, addGenerationPrompt: options.addsGenerationPrompt)
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    var rgb = image.rgb()
    let layout = MediaLayout(
      tokens: config.vision.grid * config.vision.grid + (config.features.keepsClassToken ? 1 : 0), imageWidth: rgb.width, imageHeight: rgb.height)
    if let padding { rgb = try rgb.paddedToSquare(fill: padding) }
    return PreparedImage(views: [try pictures(rgb)], layout: layout)
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.splitting(prompt, marker: "<image_placeholder>", placeholder: -200, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }

  /// The reference strips the answer, a `###` at its end, and strips again.
  func clean(_ answer: String) -> String {
    var text = answer.trimmingWhitespace()
    if text.hasSuffix("###") { text = String(text.dropLast(3)).trimmingWhitespace() }
    return text
  }
}

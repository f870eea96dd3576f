import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor
import AviaryText

/// MiniGPT-4's prompts and pictures. A picture is a turn of its own that the question behind it joins.
struct MiniGPT4Processor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: MiniGPT4.Config
  private let style: PromptStyle
  private let normalization: Normalization

  private static let marker = "<ImageHere>"
  private static let system =
    "Give the following image: <Img>ImageContent</Img>. You will be able to see the image once I provide it to you. Please answer my questions."

  init(_ config: MiniGPT4.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    let language = try config.files.languageFolder(folder)
    tokenizer = try language.tokenizer()
    style = config.variant == .vicuna ? Self.vicuna : Self.llama2
    normalization = try Normalization(mean: config.mean, std: config.std)
    stop = try StopRule.declared(by: language, tokenizer: tokenizer, strings: style.stop)
  }

  private static let image = PromptStyle.ImageMarker("<Img>\(marker)</Img>", beforeText: " ")

  private static let vicuna = PromptStyle(
    name: "minigpt4_vicuna0", system: system, systemFrame: .init(before: "", after: "###"), user: .init(before: "Human: ", after: "###"),
    assistant: .init(before: "Assistant: ", after: "###"), generationPrompt: "Assistant: ", image: image, stop: ["###"])

  private static let llama2 = PromptStyle(
    name: "minigpt4_llama2", system: system, systemFrame: .init(before: "", after: ""), user: .init(before: "<s>[INST] ", after: ""),
    assistant: .init(before: " [/INST] ", after: ""), generationPrompt: " [/INST] ", image: image, stop: [])

  var imageMarker: String? { Self.marker }
  var parameters: String { "\(MiniGPT4.id) \(config.vision.imageSize) \(config.mean) \(config.std)" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    if let name = options.style, name != style.name {
      throw AviaryError(.request, "no prompt style \(name)", wanted: style.name)
    }
    var turns: [ChatMessage] = []
    if let system = options.system, messages.first?.role != .system { turns.append(ChatMessage(.system, system)) }
    for message in messages {
      guard message.role == .user else {
        turns.append(message.role == .assistant ? ChatMessage(.assistant, message.text.trimmingWhitespace()) : message)
        continue
      }
      for (index, part) in message.parts.enumerated() {
        // Text joins a picture in front of it, whichever turn that was, and other text of its own message.
        if case .text = part, let last = turns.last, last.role == .user, Self.endsWithImage(last) || index > 0 {
          turns[turns.count - 1].parts.append(part)
        } else {
          turns.append(ChatMessage(.user, [part]))
        }
      }
    }
    return try style.render(turns, addGenerationPrompt: options.addsGenerationPrompt)
  }

  private static func endsWithImage(_ message: ChatMessage) -> Bool {
    if case .image? = message.parts.last { true } else { false }
  }

  /// The picture is brought to the tower's square, its aspect ratio not kept.
  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let side = config.vision.imageSize
    return PreparedImage(
      views: [try normalization(try rgb.resized(width: side, height: side, filter: .bicubic))],
      layout: MediaLayout(tokens: config.tokens, imageWidth: rgb.width, imageHeight: rgb.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.splitting(prompt, marker: Self.marker, placeholder: -200, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }

  /// The reference cuts at the first separator and behind the last role.
  func clean(_ answer: String) -> String {
    guard config.variant == .vicuna else { return answer.trimmingWhitespace() }
    var text = answer[...]
    if let cut = text.firstRange(of: "###") { text = text[..<cut.lowerBound] }
    if let role = text.ranges(of: "Assistant:").last { text = text[role.upperBound...] }
    return String(text).trimmingWhitespace()
  }
}

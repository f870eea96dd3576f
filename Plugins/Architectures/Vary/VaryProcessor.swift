import AviaryCore
import AviaryMedia
import AviaryTensor
import AviaryText

/// Vary's prompts and its two views of a picture: the middle of it for CLIP, all of it, squeezed to a square, for the other
/// tower.
struct VaryProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: Vary.Config
  private let small: CLIPPreprocessor
  private let large: Normalization

  private static let pad = "<imgpad>"

  init(_ config: Vary.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    for (text, id) in [("<img>", config.start), ("</img>", config.end), (Self.pad, config.pad)] where tokenizer.id(of: text) != id {
      throw AviaryError(
        .config, "the tokenizer has \(text) as \(tokenizer.id(of: text).map(String.init) ?? "no token")", wanted: "\(id), as config.json says",
        at: folder.name)
    }
    small = try CLIPPreprocessor(
      try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: config.clip.imageSize)
    try small.check(encoderSide: config.clip.imageSize, at: "preprocessor_config.json")
    switch config.conventions {
    case .toy: large = try .clip()
    case .base:
      // ImageNet's constants, on numbers to 255.
      large = try Normalization(mean: [0.485, 0.456, 0.406].map { 255 * $0 }, std: [0.229, 0.224, 0.225].map { 255 * $0 }, rescale: 1)
    }
    var stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
    for end in ["<|im_end|>", "<|endoftext|>"] { if let id = tokenizer.id(of: end) { stop.ids.insert(id) } }
    self.stop = stop
  }

  var regions: (any RegionSyntax)? { BracketedRegions() }
  var imageMarker: String? { "<img>\(Self.pad)</img>" }
  var parameters: String { "\(Vary.id) \(config.conventions) \(small)" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    // `mpt` of the original repository's conversation.py.
    var style = PromptStyle.chatMLDirect
    style.system = "You should follow the instructions carefully and explain your answers in detail."
    style.image = .init("<img>\(Self.pad)</img>" + (config.conventions == .toy ? "\n" : ""))
    return try style.render(messages, addGenerationPrompt: options.addsGenerationPrompt)
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let side = config.sam.imageSize
    let square =
      switch config.conventions {
      case .toy: try rgb.resized(width: side, height: side, filter: .bicubic)
      case .base: try rgb.resizedPlainBilinear(width: side, height: side)
      }
    return PreparedImage(
      views: [try small(rgb), try large(square)], layout: MediaLayout(tokens: config.tokens, imageWidth: rgb.width, imageHeight: rgb.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    let tokenized = try PromptAssembly.expanding(prompt, marker: Self.pad, id: config.pad, images, tokenizer)
    try checkFrames(tokenized.inputIDs)
    return tokenized
  }

  /// Every `<img>` is closed behind its rows, as the original insists.
  private func checkFrames(_ ids: [Int32]) throws(AviaryError) {
    let starts = ids.indices.filter { ids[$0] == config.start }
    let ends = ids.indices.filter { ids[$0] == config.end }
    guard starts.count == ends.count, zip(starts, ends).allSatisfy({ $1 == $0 + config.tokens + 1 }) else {
      throw AviaryError(.request, "\(starts.count) <img> and \(ends.count) </img>", wanted: "each picture as <img>\(Self.pad)</img>")
    }
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] {
    if images.isEmpty { return [] }
    let large = RecordedPixels.joined(images, view: 1, as: "pixel_values_high")
    return [RecordedPixels.joined(images), large, Self.every16th(large)]
  }

  /// Of the large view the reference may keep every 16th row and column.
  private static func every16th(_ pixels: RecordedTensor) -> RecordedTensor {
    guard case .floats(let values) = pixels.values, let width = pixels.shape.last, pixels.shape.count == 4 else { return pixels }
    let rows = stride(from: 0, to: values.count / max(1, width), by: 16)
    let kept = rows.flatMap { row in stride(from: 0, to: width, by: 16).map { values[row * width + $0] } }
    return RecordedTensor("pixel_values_high_sub16", pixels.shape.prefix(2) + pixels.shape.suffix(2).map { ($0 + 15) / 16 }, .floats(kept))
  }
}

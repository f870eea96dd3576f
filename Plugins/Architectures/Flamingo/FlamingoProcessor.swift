import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor

/// OpenFlamingo's prompts (text with a token for each picture, no template) and pictures (open_clip's transform).
struct FlamingoProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  let suppressed: Set<Int32>
  private let side: Int
  private let rows: Int
  /// LLaMA's tokenizer, that of the first version, begins every text with a token of its own; the others have none.
  private let beginsText: Bool
  private let imageToken: Int32
  private let normalization: Normalization

  private static let marker = "<image>"
  private static let chunkEnd = "<|endofchunk|>"
  private static let padding = "<PAD>"

  init(_ config: Flamingo.Config, _ folder: any ModelFolder) throws(AviaryError) {
    side = config.vision.imageSize
    rows = config.trained.perceiver.latents
    beginsText = if case .llama = config.text { true } else { false }
    let tokenizer = try config.parts.language(folder).tokenizer(adding: [Self.chunkEnd, Self.marker, Self.padding])
    func id(_ token: String) throws(AviaryError) -> Int32 {
      guard let id = tokenizer.id(of: token), Int(id) < config.text.vocabularySize else {
        throw AviaryError(
          .config, "a table of \(config.text.vocabularySize) embeddings and a vocabulary of \(tokenizer.vocabularySize) tokens",
          wanted: "a row for \(token), the last tokens of the vocabulary being \(Self.chunkEnd), \(Self.marker) and \(Self.padding)", at: config.parts.languageName)
      }
      return id
    }
    self.tokenizer = tokenizer
    stop = StopRule(ids: [try id(Self.chunkEnd)])
    imageToken = try id(Self.marker)
    suppressed = [imageToken, try id(Self.padding)]
    normalization = try Self.normalization(try config.parts.vision(folder))
  }

  private static func normalization(_ tower: any ModelFolder) throws(AviaryError) -> Normalization {
    let openCLIP = try tower.optionalConfig("open_clip_config.json")?.object("preprocess_cfg")
    let huggingFace = try tower.optionalConfig("preprocessor_config.json")
    let c = openCLIP ?? huggingFace ?? .empty("preprocessor_config.json")
    let prefix = openCLIP == nil ? "image_" : ""
    return try Normalization(
      mean: try c.numbers(prefix + "mean", count: 3, default: Normalization.clipMean),
      std: try c.numbers(prefix + "std", count: 3, default: Normalization.clipStd))
  }

  var imageMarker: String? { Self.marker }
  var parameters: String { "\(Flamingo.id) \(side) \(normalization.mean) \(normalization.std)" }

  /// Pictures and texts as they stand; what the assistant said is a demonstration and ends its chunk. A style is one of
  /// the published evaluation's prompts around the user's text.
  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    let style = try EvaluationStyle.named(options.style)
    var prompt = MarkedText()
    if let system = options.system, messages.first?.role != .system { prompt.append(system, trusted: options.trustsText) }
    for message in messages {
      if message.role == .user, !message.parts.contains(where: { if case .text = $0 { true } else { false } }), let style {
        append(message, &prompt, options)
        prompt.append(style.before + style.after, trusted: true)
        continue
      }
      append(message, &prompt, options, style: message.role == .user ? style : nil)
      if message.role == .assistant { prompt.append(Self.chunkEnd + (style == nil ? "" : "\n"), trusted: true) }
    }
    return prompt
  }

  /// Pictures and their captions; where the style asks a question, each with that question.
  func demonstration(_ image: Int, answer: String, to question: String, _ options: PromptOptions) -> [ChatMessage] {
    let asks = options.style.map { $0 != EvaluationStyle.caption } ?? false
    return [ChatMessage(.user, [.image(image)] + (asks ? [.text(question)] : [])), ChatMessage(.assistant, answer)]
  }

  private func append(_ message: ChatMessage, _ prompt: inout MarkedText, _ options: PromptOptions, style: EvaluationStyle? = nil) {
    for part in message.parts {
      switch part {
      case .image: prompt.append(Self.marker, trusted: true)
      case .text(let text):
        if let style { prompt.append(style.before, trusted: true) }
        prompt.append(text, trusted: options.trustsText)
        if let style { prompt.append(style.after, trusted: true) }
      }
    }
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    // RGB comes after resizing, as in open_clip: colours are weighted by alpha, then alpha is dropped.
    let square = try image.resizedShortestEdgeCropped(to: side, cropWidth: side, cropHeight: side, filter: .bicubic, rounding: .halfToEven).rgb()
    return PreparedImage(
      views: [try normalization(square)], layout: MediaLayout(tokens: rows, imageWidth: image.width, imageHeight: image.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.attending(prompt, marker: Self.marker, id: imageToken, addSpecial: beginsText, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }
}

/// The prompts of OpenFlamingo's evaluation (eval/models/open_flamingo.py): what stands around the user's text.
private struct EvaluationStyle {
  let before: String
  let after: String

  static let caption = "caption"
  private static let all: [(String, EvaluationStyle)] = [
    (caption, EvaluationStyle(before: "", after: "Output:")),
    ("vqa", EvaluationStyle(before: "Question:", after: " Short answer:")),
    ("hateful_memes", EvaluationStyle(before: "is an image with: '", after: "' written on it. Is it hateful? Answer:")),
  ]

  /// - Throws: `.request` that lists the names.
  static func named(_ name: String?) throws(AviaryError) -> EvaluationStyle? {
    guard let name else { return nil }
    guard let style = all.first(where: { $0.0 == name }) else {
      throw AviaryError(.request, "no prompt style \(name)", wanted: "one of " + all.map(\.0).joined(separator: ", "))
    }
    return style.1
  }
}

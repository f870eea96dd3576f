import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor

/// IDEFICS's prompts (pictures between fake tokens, utterances that end) and pictures (on white, squeezed to a square).
struct IDEFICSProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  let suppressed: Set<Int32>
  private let side: Int
  private let rows: Int
  private let imageToken: Int32
  /// Tokens behind which no picture is seen.
  private let ends: Set<Int32>
  private let normalization: Normalization
  /// Checkpoints that were tuned for conversations have `<end_of_utterance>`.
  private let isInstruct: Bool

  private static let marker = "<image>"
  private static let fence = "<fake_token_around_image>"
  private static let utteranceEnd = "<end_of_utterance>"

  init(_ config: IDEFICS.Config, _ folder: any ModelFolder) throws(AviaryError) {
    let tokenizer = try folder.tokenizer()
    let total = config.text.vocabularySize + config.text.additionalVocabulary
    func id(_ token: String) throws(AviaryError) -> Int32 {
      guard let id = tokenizer.id(of: token), Int(id) < total else {
        throw AviaryError(.config, "a vocabulary of \(total) tokens without \(token)", wanted: "vocab_size and additional_vocab_size that cover it", at: folder.name)
      }
      return id
    }
    self.tokenizer = tokenizer
    side = config.vision.imageSize
    rows = config.perceiver.latents
    imageToken = try id(Self.marker)
    suppressed = [imageToken, try id(Self.fence)]
    isInstruct = tokenizer.id(of: Self.utteranceEnd) != nil
    var stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
    ends = tokenizer.eos.map { [$0] } ?? []
    if isInstruct { stop.ids.insert(try id(Self.utteranceEnd)) }
    self.stop = stop
    let c = try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json")
    let declared = try c.int("image_size", default: side, in: 1...16_384)
    guard declared == side else {
      throw AviaryError(.config, "pictures of \(declared)", wanted: "\(side), the tower's image_size", at: "preprocessor_config.json: image_size")
    }
    normalization = try Normalization(
      mean: try c.numbers("image_mean", count: 3, default: Normalization.clipMean), std: try c.numbers("image_std", count: 3, default: Normalization.clipStd))
  }

  var imageMarker: String? { Self.marker }
  var parameters: String { "\(IDEFICS.id) \(side) \(normalization.mean) \(normalization.std)" }

  /// What a prompt is made of, in order.
  private enum Piece {
    case text(String, trusted: Bool)
    case image
    case end
  }

  /// A conversation where the checkpoint was tuned for them, else pictures and texts as they stand.
  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var pieces: [Piece] = []
    let isConversation = isInstruct && !options.trustsText
    if let system = options.system, messages.first?.role != .system {
      pieces.append(.text(system, trusted: options.trustsText))
      if isConversation { pieces += [.end, .text("\n", trusted: true)] }
    }
    for message in messages {
      if isConversation, message.role != .system { pieces.append(.text(message.role == .user ? "User: " : "Assistant: ", trusted: true)) }
      pieces += message.parts.map { part -> Piece in
        switch part {
        case .text(let text): .text(text, trusted: options.trustsText)
        case .image: .image
        }
      }
      if isConversation { pieces += [.end, .text("\n", trusted: true)] }
    }
    if isConversation, options.addsGenerationPrompt { pieces.append(.text("Assistant:", trusted: true)) }
    return isConversation ? joined(pieces) : published(pieces)
  }

  /// Checkpoints that were not tuned for conversations continue pictures and texts: a picture, its text, the next one.
  func demonstration(_ image: Int, answer: String, to question: String, _ options: PromptOptions) -> [ChatMessage] {
    [ChatMessage(.user, [.image(image)] + (isInstruct ? [.text(question)] : [])), ChatMessage(.assistant, answer)]
  }

  /// As the published processor joins a list of texts and pictures: texts lose the blanks around them, and end an
  /// utterance where another text follows.
  private func published(_ pieces: [Piece]) -> MarkedText {
    var stripped: [Piece] = []
    for piece in pieces {
      guard case .text(let text, let trusted) = piece else {
        stripped.append(piece)
        continue
      }
      if case .text? = stripped.last, isInstruct { stripped.append(.end) }
      stripped.append(.text(text.strippingBlanks(), trusted: trusted))
    }
    return joined(stripped)
  }

  private func joined(_ pieces: [Piece]) -> MarkedText {
    var prompt = MarkedText(trusted: "<s>")
    var followsImage = false
    for piece in pieces {
      switch piece {
      case .text(let text, let trusted): prompt.append(text, trusted: trusted)
      case .end: prompt.append(Self.utteranceEnd, trusted: true)
      case .image: prompt.append((followsImage ? "" : Self.fence) + Self.marker + Self.fence, trusted: true)
      }
      if case .image = piece { followsImage = true } else { followsImage = false }
    }
    return prompt
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let square = try image.composited(on: .white).resized(width: side, height: side, filter: .bicubic)
    return PreparedImage(
      views: [try normalization(square)], layout: MediaLayout(tokens: rows, imageWidth: image.width, imageHeight: image.height))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.attending(prompt, marker: Self.marker, id: imageToken, ends: ends, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }
}

extension String {
  /// Without the blanks, and only these, at both ends.
  fileprivate func strippingBlanks() -> String {
    var bytes = utf8[...]
    while bytes.first == UInt8(ascii: " ") { bytes.removeFirst() }
    while bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    return String(bytes) ?? ""
  }
}

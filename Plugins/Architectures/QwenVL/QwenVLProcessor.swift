import AviaryCore
import AviaryMedia
import AviaryTensor
import AviaryText

/// Qwen-VL's prompts and pictures. A picture stands in the text as `<img>NAME</img>`; the chat model numbers them
/// through the whole conversation.
struct QwenVLProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: QwenVL.Config
  private let format: Format
  private let normalization: Normalization
  private let ids: (open: Int32, close: Int32, pad: Int32)
  let markup: Set<Int32>
  var regions: (any RegionSyntax)? { QwenVLRegions() }

  /// `chat_format` of generation_config.json.
  private enum Format: String, CaseIterable {
    case chatml, raw

    var style: PromptStyle {
      switch self {
      case .chatml:
        PromptStyle(
          name: rawValue, system: "You are a helpful assistant.",
          systemFrame: .init(before: "<|im_start|>system\n", after: "<|im_end|>"), user: .init(before: "\n<|im_start|>user\n", after: "<|im_end|>"),
          assistant: .init(before: "\n<|im_start|>assistant\n", after: "<|im_end|>"), generationPrompt: "\n<|im_start|>assistant\n",
          image: .init(QwenVLProcessor.slot), stop: [])
      case .raw:
        PromptStyle(
          name: rawValue, system: "", systemFrame: .init(before: "", after: ""), user: .init(before: "", after: ""),
          // The published evaluation puts a blank between a question and its answer.
          assistant: .init(before: " ", after: ""), generationPrompt: "", image: .init(QwenVLProcessor.slot), stop: [])
      }
    }
  }

  private static let slot = "<img></img>"
  /// Markup for places, which users may write: it neither opens a turn nor a slot.
  private static let placeTags = ["<ref>", "</ref>", "<box>", "</box>", "<quad>", "</quad>"]

  init(_ config: QwenVL.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    normalization = try .clip()
    let generation = try folder.optionalConfig("generation_config.json") ?? .empty("generation_config.json")
    format = try generation.choice("chat_format", default: "chatml", of: Format.allCases.map { ($0.rawValue, $0) })
    guard let open = tokenizer.id(of: "<img>"), let close = tokenizer.id(of: "</img>"), let pad = tokenizer.id(of: "<imgpad>") else {
      throw AviaryError(.config, "the tokenizer has no <img>, </img> or <imgpad>", wanted: "qwen.tiktoken of Qwen-VL", at: folder.name)
    }
    guard Int(max(open, close, pad)) < config.text.vocabularySize else {
      throw AviaryError(
        .config, "a table of \(config.text.vocabularySize) embeddings", wanted: "rows for <img>, </img> and <imgpad> (\(open), \(close), \(pad))",
        at: "config.json: vocab_size")
    }
    if let declared = config.imageStart, declared != Int(open) {
      throw AviaryError(.config, "image_start_id \(declared)", wanted: "\(open), the tokenizer's <img>", at: "config.json: visual.image_start_id")
    }
    ids = (open, close, pad)
    markup = Set(Self.placeTags.compactMap(tokenizer.id(of:)))
    var stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
    if format == .chatml {
      for word in ["<|im_end|>", "<|im_start|>"] { if let id = tokenizer.id(of: word) { stop.ids.insert(id) } }
    }
    if let eos = tokenizer.eos { stop.ids.insert(eos) }
    self.stop = stop
  }

  var imageMarker: String? { Self.slot }
  var parameters: String { "\(QwenVL.id) \(config.vision.imageSize)" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    var format = self.format
    if let name = options.style {
      if let named = Format(rawValue: name) {
        format = named
      } else {
        format = .raw
        messages = try QwenVLEvaluation.named(name, beside: Format.allCases.map(\.rawValue)).asking(messages)
      }
    }
    let pieces = try format.style.render(messages, addGenerationPrompt: options.addsGenerationPrompt).trusting(Self.placeTags).split(separator: Self.slot)
    var text = pieces[0]
    for (index, piece) in pieces.dropFirst().enumerated() {
      let name = index < options.imageNames.count ? options.imageNames[index] : ""
      if format == .chatml { text.append("Picture \(index + 1): ", trusted: true) }
      text.append("<img>\(name)</img>")
      if format == .chatml { text.append("\n", trusted: true) }
      text.append(piece)
    }
    return text
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let side = config.vision.imageSize
    return PreparedImage(
      views: [try normalization(try rgb.resized(width: side, height: side, filter: .bicubic))],
      layout: MediaLayout(tokens: config.resampler.queries, imageWidth: rgb.width, imageHeight: rgb.height))
  }

  /// Roles, line ends behind them and contents are tokenised apart, as the original does.
  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    var assembly = Assembly(images: images, processor: self)
    for (index, turn) in prompt.split(separator: "<|im_start|>").enumerated() {
      guard index > 0 else {
        try assembly.append(turn)
        continue
      }
      if let id = tokenizer.id(of: "<|im_start|>") { assembly.append([id]) }
      let bytes = Array(turn.text.utf8)
      let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      try assembly.append(turn.slice(0..<end))
      if end < bytes.count {
        try assembly.append(turn.slice(end..<end + 1))
        try assembly.append(turn.slice(end + 1..<bytes.count))
      }
    }
    return try assembly.finish(text: prompt.text)
  }

  /// Text and slots in the order of the prompt.
  private struct Assembly {
    let images: [MediaLayout]
    let processor: QwenVLProcessor
    var parts: [TokenizedPrompt.Part] = []
    var run: [Int32] = []
    var recorded: [Int32] = []
    var slots = 0

    init(images: [MediaLayout], processor: QwenVLProcessor) {
      self.images = images
      self.processor = processor
    }

    mutating func append(_ ids: [Int32]) {
      run += ids
      recorded += ids
    }

    mutating func append(_ text: MarkedText) throws(AviaryError) {
      for (index, piece) in text.split(separator: "<img>").enumerated() {
        guard index > 0 else {
          try encode(piece)
          continue
        }
        let halves = piece.split(separator: "</img>")
        guard halves.count == 2 else {
          throw AviaryError(.request, "\(halves.count - 1) </img> behind an <img>", wanted: "one for each")
        }
        try appendSlot(name: halves[0].text)
        try encode(halves[1])
      }
    }

    private mutating func encode(_ text: MarkedText) throws(AviaryError) {
      if !text.isEmpty { append(try processor.tokenizer.encode(text, addSpecial: false)) }
    }

    /// The reference writes the name's bytes as ids: places that the picture's rows then cover.
    private mutating func appendSlot(name: String) throws(AviaryError) {
      defer { slots += 1 }
      guard slots < images.count else { return }
      let count = images[slots].tokens
      guard name.utf8.count <= count else {
        throw AviaryError(.request, "a picture's name of \(name.utf8.count) bytes", wanted: "at most \(count)")
      }
      append([processor.ids.open])
      parts += [.tokens(run), .image(slots, count: count)]
      run = []
      recorded += name.utf8.map { Int32($0) } + Array(repeating: processor.ids.pad, count: count - name.utf8.count)
      append([processor.ids.close])
    }

    mutating func finish(text: String) throws(AviaryError) -> TokenizedPrompt {
      guard slots == images.count else {
        throw AviaryError(.request, "\(images.count) pictures for \(slots) slots <img>...</img> in the prompt", wanted: "a slot for each picture")
      }
      if !run.isEmpty { parts.append(.tokens(run)) }
      return TokenizedPrompt(parts: parts, inputIDs: recorded, text: text)
    }
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }

  func clean(_ answer: String) -> String { answer.trimmingWhitespace() }
}

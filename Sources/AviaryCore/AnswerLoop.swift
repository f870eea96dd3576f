public import AviaryTensor

/// Chooses the tokens of one answer and turns them into text, until a stop id, a stop string or the limit.
public struct AnswerLoop {
  private let request: GenerationRequest
  private let stop: StopRule
  private var sampler: Sampler
  private var stops: StopDetector
  private var decoder: any StreamDecoder
  private let tokenizer: any Tokenizer
  private let markup: Set<Int32>
  private(set) var history: [Int32]

  public private(set) var ids: [Int32] = []
  public private(set) var text = ""
  public private(set) var finishReason = GenerationResult.FinishReason.length

  /// - Parameter prompt: ids that repetition rules look at, too.
  public init(_ request: GenerationRequest, _ processor: any Processor, prompt: [Int32]) {
    self.request = request
    stop = processor.stop
    sampler = Sampler(request.sampling, rules: processor.suppressed.isEmpty ? [] : [SuppressedTokens(processor.suppressed)])
    stops = StopDetector(processor.stop.strings + request.stop)
    tokenizer = processor.tokenizer
    decoder = tokenizer.streamDecoder(skipSpecial: true)
    markup = processor.markup
    history = prompt
  }

  /// Whether another token may be asked for.
  public var isDone: Bool { finishReason == .stop || ids.count >= request.maxTokens }

  /// Chooses the next token.
  ///
  /// - Returns: its id and the text that it completes.
  /// - Throws: what `Sampler.next` does.
  public mutating func next(_ logits: inout [Float]) throws(AviaryError) -> (id: Int32, text: String) {
    let id = try sampler.next(&logits, history: history)
    ids.append(id)
    history.append(id)
    if stop.ids.contains(id) {
      finishReason = .stop
      return (id, "")
    }
    let piece = stops.next(decode(id))
    if stops.hit != nil { finishReason = .stop }
    text += piece
    return (id, piece)
  }

  /// Whether `next` would choose that token from those logits; nothing is chosen yet.
  func wouldChoose(_ id: Int32, _ logits: [Float]) -> Bool {
    var (sampler, logits) = (sampler, logits)
    return (try? sampler.next(&logits, history: history)) == id
  }

  private mutating func decode(_ id: Int32) -> String {
    guard markup.contains(id), let spelling = tokenizer.token(id) else { return decoder.next(id) }
    let rest = decoder.finish()
    decoder = tokenizer.streamDecoder(skipSpecial: true)
    return rest + spelling
  }

  /// Text that was held back in case a character or a stop string would go on.
  public mutating func finish() -> String {
    guard stops.hit == nil else { return "" }
    let rest = stops.next(decoder.finish()) + stops.finish()
    if stops.hit != nil { finishReason = .stop }
    text += rest
    return rest
  }
}

/// Tokens that are never chosen.
struct SuppressedTokens: LogitRule {
  private let ids: Set<Int32>
  init(_ ids: Set<Int32>) { self.ids = ids }

  mutating func apply(_ logits: inout [Float], history: [Int32]) {
    for id in ids where logits.indices.contains(Int(id)) { logits[Int(id)] = -.infinity }
  }
}

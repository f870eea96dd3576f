public import AviaryTensor

/// Chooses the tokens of one answer and turns them into text, until a stop id, a stop string or the limit.
public struct AnswerLoop {
  private let request: GenerationRequest
  private let stop: StopRule
  private var sampler: Sampler
  private var stops: StopDetector
  private var decoder: any StreamDecoder
  private var history: [Int32]

  public private(set) var ids: [Int32] = []
  public private(set) var text = ""
  public private(set) var finishReason = GenerationResult.FinishReason.length

  /// - Parameter prompt: ids that repetition rules look at, too.
  public init(_ request: GenerationRequest, _ processor: any Processor, prompt: [Int32]) {
    self.request = request
    stop = processor.stop
    sampler = Sampler(request.sampling, rules: processor.suppressed.isEmpty ? [] : [SuppressedTokens(processor.suppressed)])
    stops = StopDetector(processor.stop.strings + request.stop)
    decoder = processor.tokenizer.streamDecoder(skipSpecial: true)
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
    let piece = stops.next(decoder.next(id))
    if stops.hit != nil { finishReason = .stop }
    text += piece
    return (id, piece)
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

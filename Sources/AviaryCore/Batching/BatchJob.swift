import AviaryTensor

/// One request on its way through a batcher: it reads its prompt, then writes its answer.
final class BatchJob {
  private let request: GenerationRequest
  private let prepared: (prompt: TokenizedPrompt, images: [PreparedImage])
  let cancel: CancellationFlag
  private let event: (GenerationEvent) -> Void
  let finish: (Result<GenerationResult, AviaryError>) -> Void

  var slot = 0
  /// How its positions are encoded.
  let regime: Int
  /// What its prompt's rows come from, and the rows themselves; empty before the pictures were looked at.
  private(set) var rows: [CachedRow] = []
  private(set) var embedded: [Float] = []
  /// Rows that were there already.
  var reused = 0
  /// Whether its first rows are settled: nothing is taken from other slots any more.
  var hasStarted = false
  /// The token that its next step runs.
  private(set) var token: Int32?

  private let regions: (any RegionSyntax)?
  private var read = 0
  private var loop: AnswerLoop
  private var result = GenerationResult()
  private var failure: AviaryError?
  private var isDone = false
  private let clock = ContinuousClock()
  private var mark: ContinuousClock.Instant

  init(
    _ request: GenerationRequest, _ prepared: (prompt: TokenizedPrompt, images: [PreparedImage]), _ generator: Generator, cancel: CancellationFlag,
    event: @escaping (GenerationEvent) -> Void, finish: @escaping (Result<GenerationResult, AviaryError>) -> Void
  ) {
    self.request = request
    self.prepared = prepared
    self.cancel = cancel
    self.event = event
    self.finish = finish
    regions = generator.processor.regions
    regime = generator.loaded.model.language.positionRegime(promptTokens: prepared.prompt.count)
    loop = AnswerLoop(request, generator.processor, prompt: prepared.prompt.inputIDs)
    result.describe(prepared.prompt)
    mark = clock.now
  }

  /// Whether part of the prompt is still to be run.
  var isReading: Bool { read + reused < rows.count }

  /// It ends with this error at the end of the step.
  func fail(_ error: AviaryError) { failure = error }

  /// Runs the encoder on the pictures that are not known yet, and embeds the prompt.
  func look(_ generator: Generator, _ pool: SequencePool) throws(AviaryError) {
    mark = clock.now
    let media = try generator.look(request, prepared.images, on: pool.runner) { seconds, event in
      result.lookSeconds += seconds
      self.event(event)
    }
    rows = CachedRow.rows(of: prepared.prompt, media)
    embedded = try pool.runner.embed(prepared.prompt, media, by: pool.loaded.model.language)
    mark = clock.now
  }

  /// Its rows of a step were run.
  ///
  /// - Parameter logits: what its last row leads to; nil in the middle of the prompt.
  func advanced(_ count: Int, _ logits: [Float]?) {
    if token == nil { read += count }
    guard var logits else { return }
    if token == nil {
      embedded = []
      result.prefillSeconds = lap()
      result.reusedTokens = reused
      event(.prefilled(tokens: rows.count, reused: reused, seconds: result.prefillSeconds))
      guard !loop.isDone else { return isDone = true }
    }
    do throws(AviaryError) {
      let next = try loop.next(&logits)
      event(.token(id: next.id, text: next.text))
      token = next.id
      isDone = loop.isDone
    } catch { failure = error }
  }

  /// How it ended, or nil where it goes on.
  func outcome(full: Bool, _ pool: SequencePool) -> Result<GenerationResult, AviaryError>? {
    if let failure { return .failure(failure) }
    guard isDone || (full && !isReading) else { return nil }
    let rest = loop.finish()
    if !rest.isEmpty { event(.token(id: -1, text: rest)) }
    result.take(loop, prepared, regions)
    result.decodeSeconds = lap()
    result.arenaBytes = pool.runner.arenaBytes
    result.cacheBytes = pool.cache.byteCount / pool.slots
    event(.finished(result))
    return .success(result)
  }

  private func lap() -> Double {
    defer { mark = clock.now }
    let (whole, rest) = (clock.now - mark).components
    return Double(whole) + Double(rest) * 1e-18
  }
}

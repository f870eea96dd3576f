public import AviaryTensor

/// Produces one answer on a sequence, step by step, on the caller's thread. `Engine` wraps it for concurrent callers.
public struct Generator: Sendable {
  let loaded: LoadedModel
  let processor: any Processor
  let features: FeatureCache
  let limits: Limits

  public init(_ loaded: LoadedModel, features: FeatureCache, limits: Limits = .standard) throws(AviaryError) {
    guard let processor = loaded.processor else {
      throw AviaryError(.request, "\(loaded.name) has no tokenizer", wanted: "a checkpoint with a tokenizer, to answer in words")
    }
    self.loaded = loaded
    self.processor = processor
    self.features = features
    self.limits = limits
  }

  /// Prompt text, pixels and slots of a request, checked before anything runs.
  public func prepare(_ request: GenerationRequest) throws(AviaryError) -> (prompt: TokenizedPrompt, images: [PreparedImage]) {
    try request.sampling.validate()
    guard request.maxTokens >= 0, request.maxTokens <= limits.contextTokens else {
      throw AviaryError(.request, "max_tokens is \(request.maxTokens)", wanted: "0...\(limits.contextTokens)")
    }
    guard request.stop.count <= limits.stopStrings else {
      throw AviaryError(.limit, "\(request.stop.count) stop strings", wanted: "at most \(limits.stopStrings)")
    }
    if !request.images.isEmpty, !loaded.model.canSee {
      throw AviaryError(.request, "\(request.images.count) pictures for \(loaded.name), which has no eyes", wanted: "a model with a vision encoder")
    }
    guard request.images.count <= limits.imagesPerRequest else {
      throw AviaryError(.limit, "\(request.images.count) pictures", wanted: "at most \(limits.imagesPerRequest)")
    }
    let text: MarkedText =
      switch request.prompt {
      case .chat(let messages): try processor.prompt(messages, request.options)
      case .raw(let text): MarkedText(trusted: text)
      }
    var images: [PreparedImage] = []
    for input in request.images { images.append(try processor.prepare(input.image)) }
    return (try processor.tokenize(text, images.map(\.layout)), images)
  }

  /// Runs a prepared request to its end.
  public func run(
    _ request: GenerationRequest, _ prepared: (prompt: TokenizedPrompt, images: [PreparedImage]), on sequence: TokenSequence,
    event: (GenerationEvent) -> Void
  ) throws(AviaryError) -> GenerationResult {
    var result = GenerationResult()
    result.describe(prepared.prompt)

    let clock = ContinuousClock()
    var mark = clock.now
    func lap() -> Double {
      let now = clock.now
      defer { mark = now }
      return Double((now - mark).components.seconds) + Double((now - mark).components.attoseconds) * 1e-18
    }

    let media = try look(request, prepared.images, on: sequence.runner) { seconds, looked in
      result.lookSeconds += seconds
      event(looked)
    }
    _ = lap()

    let prefilled = try sequence.prefill(prepared.prompt, media)
    result.prefillSeconds = lap()
    result.reusedTokens = prefilled.reused
    event(.prefilled(tokens: prepared.prompt.count, reused: prefilled.reused, seconds: result.prefillSeconds))

    var logits = prefilled.logits
    var loop = AnswerLoop(request, processor, prompt: prepared.prompt.inputIDs)
    let lookup = PromptLookup(most: request.lookup)
    while !loop.isDone {
      let token = try loop.next(&logits)
      event(.token(id: token.id, text: token.text))
      if loop.isDone || sequence.count == sequence.cache.capacity { break }
      let guess = lookup.guess(loop.history).prefix(sequence.cache.capacity - sequence.count - 1)
      if guess.isEmpty {
        try sequence.decode(token.id, into: &logits)
      } else {
        result.guessedTokens += guess.count
        result.acceptedTokens += try run(token.id, guess, on: sequence, &loop, &logits, event)
      }
    }
    let rest = loop.finish()
    if !rest.isEmpty { event(.token(id: -1, text: rest)) }
    result.take(loop, prepared, processor.regions)
    result.decodeSeconds = lap()
    result.arenaBytes = sequence.runner.arenaBytes
    result.cacheBytes = sequence.cacheBytes
    event(.finished(result))
    return result
  }

  /// Runs a token with a guess behind it, and chooses as far as the guess is right.
  ///
  /// - Parameter logits: what the last token that holds leads to.
  /// - Returns: how many tokens of the guess hold.
  private func run(
    _ token: Int32, _ guess: ArraySlice<Int32>, on sequence: TokenSequence, _ loop: inout AnswerLoop, _ logits: inout [Float],
    _ event: (GenerationEvent) -> Void
  ) throws(AviaryError) -> Int {
    let start = sequence.count
    let all = try sequence.extend(by: [token] + guess)
    let vocabulary = all.count / (guess.count + 1)
    var held = 0
    for guessed in guess {
      logits = Array(all[held * vocabulary..<(held + 1) * vocabulary])
      // What is chosen otherwise is chosen again, from the same numbers, by who goes on from here.
      guard !loop.isDone, loop.wouldChoose(guessed, logits) else { break }
      let next = try loop.next(&logits)
      event(.token(id: next.id, text: next.text))
      held += 1
    }
    logits = Array(all[held * vocabulary..<(held + 1) * vocabulary])
    sequence.truncate(to: start + 1 + held)
    return held
  }

  /// Runs the encoder on those pictures whose rows are not known yet.
  ///
  /// - Parameter event: seconds and event of each picture.
  func look(
    _ request: GenerationRequest, _ images: [PreparedImage], on runner: GraphRunner, event: (Double, GenerationEvent) -> Void
  ) throws(AviaryError) -> [PerceivedMedia] {
    var media: [PerceivedMedia] = []
    for (index, image) in images.enumerated() {
      let start = ContinuousClock.now
      let key = "\(loaded.name)\u{0}\(processor.parameters)\u{0}\(request.images[index].key)"
      let found = features[key]
      let rows: [Float]
      if let found { rows = found } else { rows = try runner.perceive(image, by: loaded.model).rows }
      if found == nil { features.insert(rows, for: key) }
      media.append(PerceivedMedia(key: key, rows: rows))
      let (whole, rest) = (ContinuousClock.now - start).components
      let seconds = Double(whole) + Double(rest) * 1e-18
      event(seconds, .looked(index: index, tokens: image.layout.tokens, seconds: seconds, cached: found != nil))
    }
    return media
  }
}

extension GenerationResult {
  mutating func describe(_ prompt: TokenizedPrompt) {
    (self.prompt, inputIDs, promptTokens) = (prompt.text, prompt.inputIDs, prompt.count)
  }
  /// The answer, and the places that it names in the last picture.
  mutating func take(_ loop: AnswerLoop, _ prepared: (prompt: TokenizedPrompt, images: [PreparedImage]), _ syntax: (any RegionSyntax)?) {
    (text, generatedIDs, finishReason) = (loop.text, loop.ids, loop.finishReason)
    guard let picture = prepared.images.indices.last, let syntax else { return }
    let layout = prepared.images[picture].layout
    places = syntax.read(loop.text, after: prepared.prompt.text, width: layout.imageWidth, height: layout.imageHeight)
    for index in places.regions.indices { places.regions[index].image = picture }
  }
}

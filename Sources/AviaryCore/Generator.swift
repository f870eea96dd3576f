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
    result.prompt = prepared.prompt.text
    result.inputIDs = prepared.prompt.inputIDs
    result.promptTokens = prepared.prompt.count

    let clock = ContinuousClock()
    var mark = clock.now
    func lap() -> Double {
      let now = clock.now
      defer { mark = now }
      return Double((now - mark).components.seconds) + Double((now - mark).components.attoseconds) * 1e-18
    }

    var media: [PerceivedMedia] = []
    for (index, image) in prepared.images.enumerated() {
      let key = "\(loaded.name)\u{0}\(processor.parameters)\u{0}\(request.images[index].key)"
      let found = features[key]
      let rows: [Float]
      if let found { rows = found } else { rows = try sequence.perceive(image).rows }
      if found == nil { features.insert(rows, for: key) }
      media.append(PerceivedMedia(key: key, rows: rows))
      let seconds = lap()
      result.lookSeconds += seconds
      event(.looked(index: index, tokens: image.layout.tokens, seconds: seconds, cached: found != nil))
    }

    let prefilled = try sequence.prefill(prepared.prompt, media)
    result.prefillSeconds = lap()
    result.reusedTokens = prefilled.reused
    event(.prefilled(tokens: prepared.prompt.count, reused: prefilled.reused, seconds: result.prefillSeconds))

    var logits = prefilled.logits
    var loop = AnswerLoop(request, processor, prompt: prepared.prompt.inputIDs)
    while !loop.isDone {
      let token = try loop.next(&logits)
      event(.token(id: token.id, text: token.text))
      if loop.isDone || sequence.count == sequence.cache.capacity { break }
      try sequence.decode(token.id, into: &logits)
    }
    let rest = loop.finish()
    if !rest.isEmpty { event(.token(id: -1, text: rest)) }
    (result.text, result.generatedIDs, result.finishReason) = (loop.text, loop.ids, loop.finishReason)
    result.decodeSeconds = lap()
    result.arenaBytes = sequence.runner.arenaBytes
    result.cacheBytes = sequence.cacheBytes
    event(.finished(result))
    return result
  }
}

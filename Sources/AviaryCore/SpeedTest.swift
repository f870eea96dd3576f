public import AviaryTensor

/// Measures encode, prefill and decode apart, without a tokenizer or a picture: ids and pixels are arbitrary, since
/// neither changes the work.
public struct SpeedTest: Sendable {
  public var promptTokens = 512
  public var generatedTokens = 64
  public var images = 1

  public init() {}

  /// Seconds of one repetition.
  public struct Figures: Sendable {
    /// Per picture; nil for a model without eyes.
    public var encode: Double?
    public var prefill = 0.0
    public var decode = 0.0
    public var arenaBytes = 0
    public var cacheBytes = 0
  }

  /// Runs once on a fresh sequence.
  public func run(_ loaded: LoadedModel, kv: DType = .f32) throws(AviaryError) -> Figures {
    var figures = Figures()
    let clock = ContinuousClock()
    func seconds(_ body: () throws(AviaryError) -> Void) throws(AviaryError) -> Double {
      let start = clock.now
      try body()
      let (whole, rest) = (clock.now - start).components
      return Double(whole) + Double(rest) * 1e-18
    }
    let sequence = try TokenSequence(loaded, capacity: promptTokens + generatedTokens + 1, kv: kv)
    if loaded.model.canSee, images > 0 {
      let views = loaded.model.viewShapes.map { PixelTensor(shape: $0.dims, values: (0..<$0.elements).map { Float($0 % 251) / 125 - 1 }) }
      let size = loaded.model.viewShapes.first.map { ($0[3], $0[2]) } ?? (0, 0)
      let picture = PreparedImage(views: views, layout: MediaLayout(tokens: 0, imageWidth: size.0, imageHeight: size.1))
      figures.encode = try seconds { () throws(AviaryError) in
        for _ in 0..<images { _ = try sequence.encode(picture) }
      } / Double(images)
    }
    let vocabulary = loaded.model.language.vocabularySize
    let ids = (0..<promptTokens).map { Int32(($0 * 7919 + 13) % vocabulary) }
    let prompt = TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: "")
    if promptTokens > 0 { figures.prefill = try seconds { () throws(AviaryError) in _ = try sequence.prefill(prompt, []) } }
    var logits: [Float] = []
    figures.decode = try seconds { () throws(AviaryError) in
      for step in 0..<generatedTokens { try sequence.decode(Int32((step * 104_729 + 7) % vocabulary), into: &logits) }
    }
    figures.arenaBytes = sequence.runner.arenaBytes
    figures.cacheBytes = sequence.cacheBytes
    return figures
  }
}

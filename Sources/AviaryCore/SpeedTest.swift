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
    /// Submissions to a device for each token; nil where the backend makes none.
    public var submissions: Double?
    public var arenaBytes = 0
    public var cacheBytes = 0
  }

  /// Runs once on a fresh sequence.
  public func run(_ loaded: LoadedModel, kv: DType = .f32) throws(AviaryError) -> Figures {
    var figures = Figures()
    let sequence = try TokenSequence(loaded, capacity: promptTokens + generatedTokens + 1, kv: kv)
    if loaded.model.canSee, images > 0 {
      let views = loaded.model.viewShapes.map { PixelTensor(shape: $0.dims, values: (0..<$0.elements).map { Float($0 % 251) / 125 - 1 }) }
      let size = loaded.model.viewShapes.first.map { ($0[3], $0[2]) } ?? (0, 0)
      let picture = PreparedImage(views: views, layout: MediaLayout(tokens: 0, imageWidth: size.0, imageHeight: size.1))
      figures.encode = try Self.seconds { () throws(AviaryError) in
        for _ in 0..<images { _ = try sequence.runner.encode(picture, by: loaded.model) }
      } / Double(images)
    }
    let vocabulary = loaded.model.language.vocabularySize
    let prompt = prompt(vocabulary)
    if promptTokens > 0 { figures.prefill = try Self.seconds { () throws(AviaryError) in _ = try sequence.prefill(prompt, []) } }
    var logits: [Float] = []
    let before = loaded.backend.submissionCount
    figures.decode = try Self.seconds { () throws(AviaryError) in
      for step in 0..<generatedTokens { try sequence.decode(Int32((step * 104_729 + 7) % vocabulary), into: &logits) }
    }
    if let before, let after = loaded.backend.submissionCount, generatedTokens > 0 { figures.submissions = Double(after - before) / Double(generatedTokens) }
    figures.arenaBytes = sequence.runner.arenaBytes
    figures.cacheBytes = sequence.cacheBytes
    return figures
  }

  /// Writes with several sequences in common steps, behind a prompt that all of them share.
  ///
  /// - Returns: seconds of all steps; each gives a token to every sequence.
  /// - Throws: `.request` for a model that runs one sequence after another.
  public func runTogether(_ loaded: LoadedModel, sequences: Int, kv: DType = .f32) throws(AviaryError) -> Double {
    let pool = try SequencePool(loaded, slots: sequences, capacity: promptTokens + generatedTokens + 1, kv: kv)
    let vocabulary = loaded.model.language.vocabularySize
    if promptTokens > 0 {
      let prompt = prompt(vocabulary)
      let rows = try pool.runner.embed(prompt, [], by: loaded.model.language)
      _ = try pool.step([SequencePool.Work(slot: 0, rows: .prompt(rows[...], CachedRow.rows(of: prompt, [])[...]), wantsLogits: false)], regime: 0)
      for slot in 1..<max(sequences, 1) { try pool.copy(promptTokens, from: 0, to: slot) }
    }
    return try Self.seconds { () throws(AviaryError) in
      for step in 0..<generatedTokens {
        _ = try pool.step(
          (0..<sequences).map {
            SequencePool.Work(slot: $0, rows: .token(Int32((step * 104_729 + $0 * 31 + 7) % vocabulary)), wantsLogits: true)
          }, regime: 0)
      }
    }
  }

  private func prompt(_ vocabulary: Int) -> TokenizedPrompt {
    let ids = (0..<promptTokens).map { Int32(($0 * 7919 + 13) % vocabulary) }
    return TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: "")
  }

  private static func seconds(_ body: () throws(AviaryError) -> Void) throws(AviaryError) -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    let (whole, rest) = (clock.now - start).components
    return Double(whole) + Double(rest) * 1e-18
  }
}

public import AviaryTensor

/// One conversation on one model: its cache of keys and values and what stands in it. Several turns reuse the part of
/// the prompt that they share.
///
/// Not Sendable: the engine confines it to its own thread.
public final class TokenSequence {
  let loaded: LoadedModel
  let runner: GraphRunner
  public let cache: KVCache
  /// What each cached row came from: a token id, or a row of a picture (by key). Compared to find the shared prefix.
  private var rows: [CachedRow] = []
  /// Keys and values of the pictures, where the model looks at them by cross-attention.
  private var pictures: MediaCache?
  private var decodePlan: PlannedGraph?
  /// How the cached keys encode positions.
  private var regime = 0
  /// The picture that tokens see which are generated now; -1 for none.
  private var seen: Int32 = -1
  /// Rows that are run at once in prefill: bounds the arena and the wait until cancelling is noticed.
  private let chunk: Int

  public init(_ loaded: LoadedModel, capacity: Int, kv: DType = .f32, chunk: Int = 512) throws(AviaryError) {
    self.loaded = loaded
    self.chunk = chunk
    cache = try KVCache(loaded, capacity: capacity, dtype: kv)
    runner = try GraphRunner(loaded, states: cache.states)
    rows.reserveCapacity(capacity)
    pictures = loaded.model.media.map { MediaCache($0, kv) }
  }

  /// Ends the run in progress early when set.
  public var cancel: CancellationFlag {
    get { runner.cancel }
    set { runner.cancel = newValue }
  }

  /// Rows in the cache.
  public var count: Int { rows.count }
  /// Bytes that keys and values have room in, those of pictures included.
  public var cacheBytes: Int { cache.byteCount + (pictures?.byteCount ?? 0) }

  /// Runs encoder and adapter on one picture.
  ///
  /// - Returns: its rows for the language model, [k * width], and taps where asked for.
  public func perceive(_ image: PreparedImage, taps: Bool = false) throws(AviaryError) -> (rows: [Float], taps: [RecordedTensor]) {
    try runner.perceive(image, by: loaded.model, taps: taps)
  }

  /// Embeds the prompt, splices the pictures' rows in, and runs all that is not in the cache already.
  ///
  /// - Parameters:
  ///   - media: rows and key of each picture, in order.
  ///   - allLogits: logits of every prompt position are wanted (parity); nothing is then taken from the cache.
  /// - Returns: logits of the last position, how many rows came from the cache, and taps.
  public func prefill(_ prompt: TokenizedPrompt, _ media: [PerceivedMedia], allLogits: Bool = false) throws(AviaryError) -> Prefilled {
    let total = prompt.count
    guard total > 0 else { throw AviaryError(.request, "the prompt is empty", wanted: "at least one token") }
    guard total < cache.capacity else {
      throw AviaryError(.request, "the prompt has \(prompt.account)", wanted: "fewer than the context of \(cache.capacity)")
    }
    enter(loaded.model.language.positionRegime(promptTokens: total))
    let wanted = CachedRow.rows(of: prompt, media)
    var shared = 0
    if !allLogits {
      while shared < min(rows.count, total - 1), rows[shared] == wanted[shared] { shared += 1 }
    }
    rows.removeLast(rows.count - shared)
    var new = try place(media)

    let embedded = try runner.embed(prompt, media, by: loaded.model.language)
    let width = loaded.model.language.width
    var result = Prefilled(
      reused: shared, taps: allLogits ? [RecordedTensor("inputs_embeds", [total, width], .floats(embedded))] : [])
    var start = shared
    while start < total {
      let end = min(start + chunk, total)
      let isLast = end == total
      let count = end - start
      let planned = try runner.plan { graph in
        let x = graph.input(0, [count, width], .f32)
        let positions = graph.input(1, [count], .i32)
        let media = mediaStep(graph, count, new: new.count, total: media.count)
        let hidden = loaded.model.language(x, Step(positions: positions, cache: cache.view(graph), regime: regime, media: media))
        if allLogits { return [loaded.model.language.logits(hidden)] }
        // Without an output the graph would be dead: the last row keeps it alive, and is small.
        let last = hidden.slice(0, count - 1..<count)
        return [isLast ? loaded.model.language.logits(last) : last]
      }
      let slice = Array(embedded[start * width..<end * width])
      var inputs: [GraphRunner.Input] = [.floats(slice), .ints((start..<end).map(Int32.init))]
      if let sight = prompt.sight { inputs += pictureInputs(sight.seen[start..<end], new, media) }
      let values = try runner.run(planned, inputs)
      rows += wanted[start..<end]
      if !new.isEmpty { pictures?.hold(media.map(\.key)) }
      new = []
      if allLogits { result.allLogits += values.outputs[0] }
      if isLast { result.logits = values.outputs[0] }
      start = end
    }
    let last = prompt.sight?.seen.last ?? -1
    if last != seen { decodePlan = nil }
    seen = last
    if allLogits { result.logits = Array(result.allLogits.suffix(result.allLogits.count / total)) }
    return result
  }

  private func enter(_ wanted: Int) {
    guard wanted != regime else { return }
    regime = wanted
    rows.removeAll(keepingCapacity: true)
    decodePlan = nil
  }

  /// Runs one more token. Its logits go into the caller's memory, so that a step allocates nothing.
  public func decode(_ id: Int32, into logits: inout [Float]) throws(AviaryError) {
    guard rows.count < cache.capacity else {
      throw AviaryError(.request, "the context of \(cache.capacity) tokens is full", wanted: "a larger context")
    }
    let planned: PlannedGraph
    if let decodePlan { planned = decodePlan } else { planned = try planDecode() }
    runner.setInput(0, id)
    runner.setInput(1, Int32(rows.count))
    try runner.execute(planned)
    rows.append(.token(id, seeing: key(of: seen)))
    try runner.read(planned, planned.outputs[0], into: &logits)
  }

  /// Runs several tokens, one behind the other, of which some may have to be taken back with `truncate`.
  ///
  /// - Returns: what each of them leads to, [count * vocabulary].
  func extend(by ids: [Int32]) throws(AviaryError) -> [Float] {
    guard rows.count + ids.count <= cache.capacity else {
      throw AviaryError(.request, "the context of \(cache.capacity) tokens is full", wanted: "a larger context")
    }
    let planned = try planTokens(ids.count)
    let logits = try runner.run(planned, [.ints(ids), .ints(ids.indices.map { Int32(rows.count + $0) })]).outputs[0]
    rows += ids.map { .token($0, seeing: key(of: seen)) }
    return logits
  }

  /// Forgets the rows behind the first `count`.
  func truncate(to count: Int) { rows.removeLast(max(rows.count - count, 0)) }

  /// The graph of a step is the same every time, since positions are data: it is recorded once.
  private func planDecode() throws(AviaryError) -> PlannedGraph {
    let planned = try planTokens(1)
    decodePlan = planned
    return planned
  }

  private func planTokens(_ count: Int) throws(AviaryError) -> PlannedGraph {
    try runner.plan { graph in
      let language = loaded.model.language
      let x = language.embed(graph.input(0, [count], .i32))
      let media = pictures.flatMap { seen < 0 ? nil : MediaStep(graph, $0, firstState: cache.states.count, .one(Int(seen))) }
      let step = Step(positions: graph.input(1, [count], .i32), cache: cache.view(graph), regime: regime, media: media)
      return [language.logits(language(x, step))]
    }
  }

}

// MARK: Pictures that are looked at by cross-attention

extension TokenSequence {
  private func key(of picture: Int32) -> String? { picture < 0 ? nil : pictures.flatMap { $0.keys[Int(picture)] } }

  /// Makes room for the pictures of a prompt.
  ///
  /// - Returns: those whose keys and values are not in the cache yet.
  private func place(_ media: [PerceivedMedia]) throws(AviaryError) -> [Int] {
    guard var cache = pictures, !media.isEmpty else { return [] }
    if try cache.reserve(media.count, on: loaded.backend) {
      runner.bind(states: self.cache.states + cache.states)
      decodePlan = nil
    }
    let missing = cache.missing(media.map(\.key))
    cache.hold(media.indices.map { missing.contains($0) ? nil : media[$0].key })
    pictures = cache
    return missing
  }

  /// What `t` tokens see: inputs 2 and, where pictures are new, 3 and 4.
  private func mediaStep(_ graph: Graph, _ t: Int, new: Int, total: Int) -> MediaStep? {
    guard let pictures, total > 0 else { return nil }
    let seen = graph.input(2, [t], .i32)
    let count = new * pictures.shape.tokens
    let written = new == 0 ? nil : (rows: graph.input(3, [count, pictures.shape.width], .f32), places: graph.input(4, [count], .i32))
    return MediaStep(graph, pictures, firstState: cache.states.count, .each(seen), new: written)
  }

  private func pictureInputs(_ seen: ArraySlice<Int32>, _ new: [Int], _ media: [PerceivedMedia]) -> [GraphRunner.Input] {
    guard let pictures, !media.isEmpty else { return [] }
    if new.isEmpty { return [.ints(Array(seen))] }
    return [
      .ints(Array(seen)), .floats(new.flatMap { media[$0].rows }), .ints(new.flatMap { pictures.rows(of: $0).map(Int32.init) }),
    ]
  }
}

/// A picture's rows for the language model and the key that stands for it.
public struct PerceivedMedia: Sendable {
  public let key: String
  /// [k * width]
  public let rows: [Float]
  public init(key: String, rows: [Float]) {
    self.key = key
    self.rows = rows
  }
}

public struct Prefilled {
  public var logits: [Float] = []
  /// Rows that were in the cache already.
  public var reused: Int
  /// [positions * vocabulary] where asked for.
  public var allLogits: [Float] = []
  public var taps: [RecordedTensor]
}

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
  private var decodePlan: PlannedGraph?
  /// How the cached keys encode positions.
  private var regime = 0
  /// Rows that are run at once in prefill: bounds the arena and the wait until cancelling is noticed.
  private let chunk: Int

  enum CachedRow: Hashable {
    case token(Int32)
    case media(key: String, row: Int)
  }

  public init(_ loaded: LoadedModel, capacity: Int, kv: DType = .f32, chunk: Int = 512) throws(AviaryError) {
    self.loaded = loaded
    self.chunk = chunk
    cache = try KVCache(loaded, capacity: capacity, dtype: kv)
    runner = try GraphRunner(loaded, states: cache.states)
    rows.reserveCapacity(capacity)
  }

  /// Ends the run in progress early when set.
  public var cancel: CancellationFlag {
    get { runner.cancel }
    set { runner.cancel = newValue }
  }

  /// Rows in the cache.
  public var count: Int { rows.count }

  /// Runs encoder and adapter on one picture.
  ///
  /// - Returns: its rows for the language model, [k * width], and taps where asked for.
  public func perceive(_ image: PreparedImage, taps: Bool = false) throws(AviaryError) -> (rows: [Float], taps: [RecordedTensor]) {
    let seen = try encode(image, taps: taps)
    let count = seen.outputs[0].count / loaded.model.language.width
    guard count == image.layout.tokens else {
      throw AviaryError(.internal, "the picture became \(count) rows", wanted: "\(image.layout.tokens), as the processor declared")
    }
    return (seen.outputs[0], seen.taps.map { RecordedTensor($0.name, $0.shape, .floats($0.values)) })
  }

  /// The encoder and adapter alone.
  func encode(_ image: PreparedImage, taps: Bool = false) throws(AviaryError) -> GraphRunner.Values {
    let planned = try runner.plan(taps: taps) { graph in
      let views = image.views.enumerated().map { graph.input($0.offset, Shape($0.element.shape), .f32) }
      switch loaded.model.perceive(views, image.layout) {
      case .soft(let rows), .cross(let rows): return [rows]
      case .tokens(let ids): return [loaded.model.language.embed(ids)]
      }
    }
    return try runner.run(planned, image.views.map { .floats($0.values) })
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
    let wanted = Self.cachedRows(prompt, media)
    var shared = 0
    if !allLogits {
      while shared < min(rows.count, total - 1), rows[shared] == wanted[shared] { shared += 1 }
    }
    rows.removeLast(rows.count - shared)

    let embedded = try embed(prompt, media, taps: allLogits)
    let width = loaded.model.language.width
    var result = Prefilled(reused: shared, taps: embedded.taps)
    var start = shared
    while start < total {
      let end = min(start + chunk, total)
      let isLast = end == total
      let count = end - start
      let planned = try runner.plan { graph in
        let x = graph.input(0, [count, width], .f32)
        let positions = graph.input(1, [count], .i32)
        let hidden = loaded.model.language(x, Step(positions: positions, cache: cache.view(graph), regime: regime))
        if allLogits { return [loaded.model.language.logits(hidden)] }
        // Without an output the graph would be dead: the last row keeps it alive, and is small.
        let last = hidden.slice(0, count - 1..<count)
        return [isLast ? loaded.model.language.logits(last) : last]
      }
      let slice = Array(embedded.rows[start * width..<end * width])
      let values = try runner.run(planned, [.floats(slice), .ints((start..<end).map(Int32.init))])
      rows += wanted[start..<end]
      if allLogits { result.allLogits += values.outputs[0] }
      if isLast { result.logits = values.outputs[0] }
      start = end
    }
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
    rows.append(.token(id))
    try runner.read(planned, planned.outputs[0], into: &logits)
  }

  /// The graph of a step is the same every time, since positions are data: it is recorded once.
  private func planDecode() throws(AviaryError) -> PlannedGraph {
    let planned = try runner.plan { graph in
      let language = loaded.model.language
      let x = language.embed(graph.input(0, [1], .i32))
      return [language.logits(language(x, Step(positions: graph.input(1, [1], .i32), cache: cache.view(graph), regime: regime)))]
    }
    decodePlan = planned
    return planned
  }

  private func embed(_ prompt: TokenizedPrompt, _ media: [PerceivedMedia], taps: Bool) throws(AviaryError) -> (rows: [Float], taps: [RecordedTensor]) {
    var inputs: [GraphRunner.Input] = []
    for part in prompt.parts {
      switch part {
      case .tokens(let ids):
        for id in ids where id < 0 || Int(id) >= loaded.model.language.vocabularySize {
          throw AviaryError(.request, "token id \(id)", wanted: "0..<\(loaded.model.language.vocabularySize), the rows of the embedding table")
        }
        inputs.append(.ints(ids))
      case .image(let index, let count):
        guard index < media.count, media[index].rows.count == count * loaded.model.language.width else {
          throw AviaryError(.internal, "picture \(index) has not the \(count) rows of its slot")
        }
        inputs.append(.floats(media[index].rows))
      }
    }
    let planned = try runner.plan { graph in
      let language = loaded.model.language
      let pieces = prompt.parts.enumerated().map { slot, part in
        switch part {
        case .tokens(let ids): language.embed(graph.input(slot, [ids.count], .i32))
        case .image(_, let count): graph.input(slot, [count, language.width], .f32)
        }
      }
      return [Tensor.concat(pieces, axis: 0)]
    }
    let values = try runner.run(planned, inputs)
    let shape = [prompt.count, loaded.model.language.width]
    return (values.outputs[0], taps ? [RecordedTensor("inputs_embeds", shape, .floats(values.outputs[0]))] : [])
  }

  private static func cachedRows(_ prompt: TokenizedPrompt, _ media: [PerceivedMedia]) -> [CachedRow] {
    prompt.parts.flatMap { part -> [CachedRow] in
      switch part {
      case .tokens(let ids): ids.map { .token($0) }
      case .image(let index, let count): (0..<count).map { .media(key: media[index].key, row: $0) }
      }
    }
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

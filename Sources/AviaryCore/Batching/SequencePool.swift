import AviaryTensor

/// Several sequences that run in the same steps: one cache with a slot for each, one graph per step, so that the weights are
/// read once for all of them. Slots keep what they hold when a sequence ends, for the next that begins alike.
///
/// Not Sendable: the engine confines it to its own thread.
final class SequencePool {
  let loaded: LoadedModel
  let runner: GraphRunner
  let cache: KVCache
  /// What each slot's rows came from.
  private(set) var rows: [[CachedRow]]
  /// How each slot's keys encode positions.
  private var regimes: [Int]
  private var decodePlan: (slots: [Int], regime: Int, planned: PlannedGraph)?
  private var output: [Float] = []

  /// A sequence's part in a step.
  struct Work {
    enum Rows {
      case token(Int32)
      /// Rows of a prompt [count * width], and what they came from.
      case prompt(ArraySlice<Float>, ArraySlice<CachedRow>)
    }
    let slot: Int
    let rows: Rows
    /// Whether the logits of the last row are wanted; a token's always are.
    let wantsLogits: Bool
  }

  /// - Throws: `.memory` where the backend has not enough, `.request` for a model whose pictures are no rows of the text.
  init(_ loaded: LoadedModel, slots: Int, capacity: Int, kv: DType = .f32) throws(AviaryError) {
    guard loaded.model.media == nil else {
      throw AviaryError(.request, "\(loaded.name) looks at pictures by cross-attention", wanted: "a model that takes them as rows, to run sequences together")
    }
    self.loaded = loaded
    cache = try KVCache(loaded, capacity: capacity, sequences: slots, dtype: kv)
    runner = try GraphRunner(loaded, states: cache.states)
    rows = Array(repeating: [], count: slots)
    regimes = Array(repeating: 0, count: slots)
  }

  var slots: Int { rows.count }

  /// How many of a prompt's first rows a slot holds.
  func shared(_ slot: Int, with wanted: [CachedRow], regime: Int) -> Int {
    regimes[slot] == regime ? CachedRow.shared(rows[slot], wanted) : 0
  }

  /// Forgets a slot's rows behind the first `count`.
  func truncate(_ slot: Int, to count: Int) { rows[slot].removeLast(max(rows[slot].count - count, 0)) }

  /// Lets a slot begin with the first `count` rows of another. The numbers are copied, not computed again.
  func copy(_ count: Int, from source: Int, to slot: Int) throws(AviaryError) {
    var block: [UInt8] = []
    for state in cache.states {
      let stride = state.byteCount / (slots * cache.capacity)
      func part(_ slot: Int) -> BufferSlice {
        BufferSlice(state.buffer, offset: state.offset + slot * cache.capacity * stride, byteCount: count * stride)
      }
      if block.count != count * stride { block = [UInt8](repeating: 0, count: count * stride) }
      var failure: AviaryError?
      block.withUnsafeMutableBytes { bytes in
        do throws(AviaryError) {
          try loaded.backend.download(part(source), into: bytes)
          try loaded.backend.upload(UnsafeRawBufferPointer(bytes), to: part(slot))
        } catch { failure = error }
      }
      if let failure { throw failure }
    }
    rows[slot] = Array(rows[source].prefix(count))
    regimes[slot] = regimes[source]
  }

  /// Runs one step. Tokens stand in front of prompts, both by slot; no slot has two parts.
  ///
  /// - Returns: logits of each part that wants them, in that order, nil for the others.
  func step(_ work: [Work], regime: Int) throws(AviaryError) -> [[Float]?] {
    let layout = Layout(work, self)
    for part in work where rows[part.slot].count + part.count > cache.capacity {
      throw AviaryError(.request, "the context of \(cache.capacity) tokens is full", wanted: "a larger context")
    }
    let planned = try plan(layout, regime)
    try runner.execute(planned, layout.inputs)
    for part in work {
      regimes[part.slot] = regime
      switch part.rows {
      case .token(let id): rows[part.slot].append(.token(id, seeing: nil))
      case .prompt(_, let from): rows[part.slot] += from
      }
    }
    guard !layout.wanted.isEmpty else { return work.map { _ in nil } }
    try runner.read(planned, planned.outputs[0], into: &output)
    let vocabulary = output.count / layout.wanted.reduce(0) { $0 + $1.count }
    var next = 0
    return work.map { part in
      guard part.hasLogits else { return nil }
      defer { next += 1 }
      return Array(output[next * vocabulary..<(next + 1) * vocabulary])
    }
  }

  /// A step of tokens alone has the same graph for as long as the same slots take part.
  private func plan(_ layout: Layout, _ regime: Int) throws(AviaryError) -> PlannedGraph {
    if layout.prompts == 0, let decodePlan, decodePlan.slots == layout.slots, decodePlan.regime == regime { return decodePlan.planned }
    let planned = try runner.plan { graph in
      let language = loaded.model.language
      var (pieces, slot) = ([Tensor](), 0)
      func input(_ shape: Shape, _ dtype: DType) -> Tensor {
        defer { slot += 1 }
        return graph.input(slot, shape, dtype)
      }
      if layout.tokens > 0 { pieces.append(language.embed(input([layout.tokens], .i32))) }
      if layout.prompts > 0 { pieces.append(input([layout.prompts, language.width], .f32)) }
      let count = layout.tokens + layout.prompts
      let step = Step(
        positions: input([count], .i32), cache: cache.view(graph), regime: regime, rows: input([count], .i32), groups: layout.groups)
      let hidden = language(Tensor.concat(pieces, axis: 0), step)
      // Without an output the graph would be dead: the last row keeps it alive, and is small.
      guard !layout.wanted.isEmpty else { return [hidden.slice(0, count - 1..<count)] }
      return [language.logits(Tensor.concat(layout.wanted.map { hidden.slice(0, $0) }, axis: 0))]
    }
    if layout.prompts == 0 { decodePlan = (layout.slots, regime, planned) }
    return planned
  }
}

extension SequencePool.Work {
  var count: Int { if case .prompt(_, let from) = rows { from.count } else { 1 } }
  var hasLogits: Bool { if case .token = rows { true } else { wantsLogits } }
}

/// Where the parts of a step lie: tokens first, then prompts.
private struct Layout {
  var tokens = 0
  var prompts = 0
  var slots: [Int] = []
  var groups: [SequenceGroup] = []
  /// Rows whose logits are wanted: neighbours joined.
  var wanted: [Range<Int>] = []
  var inputs: [GraphRunner.Input] = []

  init(_ work: [SequencePool.Work], _ pool: SequencePool) {
    var (ids, embedded, positions, places) = ([Int32](), [Float](), [Int32](), [Int32]())
    for part in work {
      let (first, row) = (positions.count, pool.rows[part.slot].count)
      positions += (0..<part.count).map { Int32(row + $0) }
      places += (0..<part.count).map { Int32(part.slot * pool.cache.capacity + row + $0) }
      slots.append(part.slot)
      switch part.rows {
      case .token(let id):
        ids.append(id)
        // Tokens of neighbouring slots are one group.
        if let last = groups.last, last.sequences.upperBound == part.slot {
          groups[groups.count - 1] = SequenceGroup(tokens: last.tokens.lowerBound..<first + 1, sequences: last.sequences.lowerBound..<part.slot + 1)
        } else {
          groups.append(SequenceGroup(tokens: first..<first + 1, sequences: part.slot..<part.slot + 1))
        }
      case .prompt(let floats, _):
        embedded += floats
        groups.append(SequenceGroup(tokens: first..<positions.count, sequences: part.slot..<part.slot + 1))
      }
      guard part.hasLogits else { continue }
      let end = positions.count
      if let last = wanted.last, last.upperBound == end - 1 { wanted[wanted.count - 1] = last.lowerBound..<end } else { wanted.append(end - 1..<end) }
    }
    (tokens, prompts) = (ids.count, positions.count - ids.count)
    if tokens > 0 { inputs.append(.ints(ids)) }
    if prompts > 0 { inputs.append(.floats(embedded)) }
    inputs += [.ints(positions), .ints(places)]
  }
}

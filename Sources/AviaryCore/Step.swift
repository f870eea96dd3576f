public import AviaryTensor

/// One pass of a language model over `t` tokens of one or several sequences: their positions, and where keys and values go.
public struct Step {
  /// [t] i32: places in each token's own sequence.
  public let positions: Tensor
  public let cache: CacheStates
  /// What `LanguageModel.positionRegime` said of the prompt.
  public let regime: Int
  /// Pictures that cross-attention blocks look at; nil where no token sees one.
  public let media: MediaStep?
  /// [t] i32: the cache rows that are written.
  private let rows: Tensor
  private let groups: [SequenceGroup]

  /// - Parameters:
  ///   - rows: the cache rows that are written [t]; nil where they are the positions, as with one sequence.
  ///   - groups: whose the tokens are, all of them in order; nil where every sequence of the cache has an equal share.
  public init(
    positions: Tensor, cache: CacheStates, regime: Int = 0, media: MediaStep? = nil, rows: Tensor? = nil, groups: [SequenceGroup]? = nil
  ) {
    self.positions = positions
    self.cache = cache
    self.regime = regime
    self.media = media
    self.rows = rows ?? positions
    self.groups = groups ?? [SequenceGroup(tokens: 0..<positions.size(0), sequences: 0..<cache.sequences)]
  }

  /// Causal attention of each token to what its own sequence has kept. Keys and values of this step are written first.
  ///
  /// - Parameters:
  ///   - queries: [t, heads, width]
  ///   - keys: [t, kvHeads, width], and `values` [t, kvHeads, valueWidth].
  ///   - bias: what is added to the scores of queries at positions [n, t]: [n, heads, t, capacity].
  /// - Returns: [t, heads, valueWidth]
  public func attend(
    layer: Int, _ queries: Tensor, keys: Tensor, values: Tensor, _ spec: Attention, bias: ((Tensor) -> Tensor)? = nil
  ) -> Tensor {
    let seen = cache.append(layer: layer, keys: keys, values: values, at: rows)
    let parts = groups.map { group in
      let (n, t) = (group.sequences.count, group.tokens.count / group.sequences.count)
      let places = positions.slice(0, group.tokens).reshaped(n, t)
      return queries.slice(0, group.tokens).reshaped(n, t, queries.size(1), queries.size(2))
        .attention(seen.keys.slice(0, group.sequences), seen.values.slice(0, group.sequences), spec, positions: places, bias: bias?(places))
        .reshaped(n * t, queries.size(1), values.size(2))
    }
    return parts.count == 1 ? parts[0] : Tensor.concat(parts, axis: 0)
  }
}

/// Tokens of a step that belong to neighbouring sequences of a cache, the same number to each.
public struct SequenceGroup: Hashable, Sendable {
  public let tokens: Range<Int>
  public let sequences: Range<Int>
  public init(tokens: Range<Int>, sequences: Range<Int>) {
    self.tokens = tokens
    self.sequences = sequences
  }
}

/// The key and value buffers of a cache as a graph sees them.
public struct CacheStates {
  private enum Kept {
    case states(Graph, [KVShape], DType)
    case nothing
  }
  private let kept: Kept
  /// Rows that there is room for in each sequence; attention runs over all of them.
  public let capacity: Int
  /// Sequences that the cache holds, one behind the other.
  public let sequences: Int

  public init(graph: Graph, shapes: [KVShape], capacity: Int, sequences: Int = 1, dtype: DType) {
    kept = .states(graph, shapes, dtype)
    self.capacity = capacity
    self.sequences = sequences
  }

  /// Nothing is kept: each of several whole sequences of `length` tokens sees itself. Positions then count from 0 in
  /// each, as training has it.
  public init(sequences: Int, length: Int) {
    kept = .nothing
    self.sequences = sequences
    capacity = length
  }

  /// Writes keys and values [t, heads, width] of a layer to those rows of the cache and returns all that are there:
  /// [sequences, capacity, heads, width]. Rows behind a query's own position are not seen by attention.
  func append(layer: Int, keys: Tensor, values: Tensor, at rows: Tensor) -> (keys: Tensor, values: Tensor) {
    guard case .states(let graph, let shapes, let dtype) = kept else {
      return (keys.reshaped(sequences, capacity, keys.size(1), keys.size(2)), values.reshaped(sequences, capacity, values.size(1), values.size(2)))
    }
    let shape = shapes[layer]
    let all = sequences * capacity
    let k = graph.state(2 * layer, [all, shape.heads, shape.keyWidth], dtype).scatterRows(keys, at: rows)
    let v = graph.state(2 * layer + 1, [all, shape.heads, shape.valueWidth], dtype).scatterRows(values, at: rows)
    return (k.reshaped(sequences, capacity, shape.heads, shape.keyWidth), v.reshaped(sequences, capacity, shape.heads, shape.valueWidth))
  }
}

public import AviaryTensor

/// One pass of a language model over `t` tokens: their positions, and where keys and values go.
public struct Step {
  /// [t] i32: places in the sequence; also the cache rows that are written.
  public let positions: Tensor
  public let cache: CacheStates
  /// What `LanguageModel.positionRegime` said of the prompt.
  public let regime: Int
  /// Pictures that cross-attention blocks look at; nil where no token sees one.
  public let media: MediaStep?

  public init(positions: Tensor, cache: CacheStates, regime: Int = 0, media: MediaStep? = nil) {
    self.positions = positions
    self.cache = cache
    self.regime = regime
    self.media = media
  }
}

/// The key and value buffers of a sequence as a graph sees them.
public struct CacheStates {
  let graph: Graph
  let shapes: [KVShape]
  /// Rows that there is room for; attention runs over all of them.
  public let capacity: Int
  let dtype: DType

  public init(graph: Graph, shapes: [KVShape], capacity: Int, dtype: DType) {
    self.graph = graph
    self.shapes = shapes
    self.capacity = capacity
    self.dtype = dtype
  }

  /// Writes keys and values [t, heads, width] of a layer at the step's positions and returns all that are there:
  /// [1, capacity, heads, width]. Rows behind a query's own position are not seen by attention.
  public func append(layer: Int, keys: Tensor, values: Tensor, at positions: Tensor) -> (keys: Tensor, values: Tensor) {
    let shape = shapes[layer]
    let k = graph.state(2 * layer, [capacity, shape.heads, shape.keyWidth], dtype).scatterRows(keys, at: positions)
    let v = graph.state(2 * layer + 1, [capacity, shape.heads, shape.valueWidth], dtype).scatterRows(values, at: positions)
    return (k.reshaped(1, capacity, shape.heads, shape.keyWidth), v.reshaped(1, capacity, shape.heads, shape.valueWidth))
  }
}

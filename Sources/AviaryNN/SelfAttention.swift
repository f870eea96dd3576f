public import AviaryCore
public import AviaryTensor

/// Multi-head self-attention without a mask, as vision encoders use it (Vaswani et al. 2017).
public struct SelfAttention: Sendable {
  let projection: QKVProjection
  let output: Linear
  let heads: Int
  let relative: RelativePositions?
  let path: ModulePath

  /// - Parameter relative: added to the scores, for the cells of a square map.
  public init(
    _ w: Weights, _ width: Int, heads: Int, bias: Bool = true, keyBias: Bool? = nil, output: String = "out_proj",
    layout: QKVProjection.Layout = .separate, relative: RelativePositions? = nil
  ) throws(AviaryError) {
    path = w.path
    self.heads = heads
    self.relative = relative
    projection = try QKVProjection(
      w, width, heads: heads, kvHeads: heads, head: width / heads, bias: bias, keyBias: keyBias, layout: layout)
    self.output = try Linear(w[output], width, width, bias: bias)
  }

  /// [n, t, width] -> [n, t, width]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, t, width) = (x.size(0), x.size(1), x.size(2))
    let scale = 1 / Float(width / heads).squareRoot()
    let mixed = x.graph.within(path) {
      let (q, k, v) = projection(x)
      guard let relative else { return q.attention(k, v, Attention(scale: scale)) }
      let longer = relative(q, k, scale: scale)
      return longer.queries.attention(longer.keys, v, Attention(scale: 1))
    }
    return output(mixed.reshaped(n, t, width))
  }
}

/// Causal self-attention with a cache: Llama, Mistral, Yi, Qwen with rotary positions, MPT with linear biases.
public struct CausalAttention: Sendable {
  let projection: QKVProjection
  let logn: LogNScale?
  let norms: Norms?
  let output: Linear
  let positions: Positions
  let scale: Float
  let heads: Int
  let kvHeads: Int
  let head: Int
  let window: Int
  let layer: Int
  let path: ModulePath

  /// How a token's place shows in attention.
  public enum Positions: Sendable {
    case rotary(RotaryEmbedding)
    case alibi(ALiBi)
    /// Not here: positions were added to the embeddings, if at all.
    case none
  }

  /// Norms of queries and keys, in front of their rotation.
  public enum Norms: Sendable {
    /// Over all heads at once.
    case joined(query: LayerNorm, key: LayerNorm)
    /// Over each head.
    case perHead(query: RMSNorm, key: RMSNorm)
  }

  /// - Parameters:
  ///   - window: keys further back are not seen; 0 sees all.
  ///   - bias: of queries, keys and values.
  ///   - logn: scales the queries of long sequences.
  ///   - scale: of the scores; nil takes head^-0.5.
  public init(
    _ w: Weights, _ width: Int, heads: Int, kvHeads: Int, head: Int, layer: Int, positions: Positions, window: Int = 0, bias: Bool = false,
    outputBias: Bool = false, output: String = "o_proj", layout: QKVProjection.Layout = .separate, logn: LogNScale? = nil,
    norms: Norms? = nil, scale: Double? = nil
  ) throws(AviaryError) {
    path = w.path
    (self.heads, self.kvHeads, self.head, self.layer, self.positions, self.window) = (heads, kvHeads, head, layer, positions, window)
    self.logn = logn
    self.norms = norms
    self.scale = scale.map { Float($0) } ?? 1 / Float(head).squareRoot()
    projection = try QKVProjection(w, width, heads: heads, kvHeads: kvHeads, head: head, bias: bias, layout: layout)
    self.output = try Linear(w[output], heads * head, width, bias: outputBias)
  }

  /// [t, width] -> [t, width]
  public func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let t = x.size(0)
    let mixed = x.graph.within(path) {
      let made = projection(x)
      var (q, k) = (made.query, made.key)
      switch norms {
      case .joined(let query, let key):
        q = query(q.reshaped(t, heads * head)).reshaped(t, heads, head)
        k = key(k.reshaped(t, kvHeads * head)).reshaped(t, kvHeads, head)
      case .perHead(let query, let key): (q, k) = (query(q), key(k))
      case nil: break
      }
      var bias: ((Tensor) -> Tensor)?
      switch positions {
      case .rotary(let rotary):
        (q, k) = (rotary(q, step.positions, regime: step.regime), rotary(k, step.positions, regime: step.regime))
      case .alibi(let alibi): bias = { alibi($0, rows: step.cache.capacity) }
      case .none: break
      }
      if let logn { q = q * logn(step.positions).reshaped(t, 1, 1) }
      var spec = Attention(scale: scale)
      spec.window = Int32(window)
      return step.attend(layer: layer, q, keys: k, values: made.value, spec, bias: bias)
    }
    return output(mixed.reshaped(t, heads * head))
  }
}

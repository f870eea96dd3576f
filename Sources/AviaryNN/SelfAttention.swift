public import AviaryCore
public import AviaryTensor

/// Multi-head self-attention without a mask, as vision encoders use it (Vaswani et al. 2017).
public struct SelfAttention: Sendable {
  enum Projection: Sendable {
    case separate(query: Linear, key: Linear, value: Linear)
    /// One layer for all three, each (heads, head) wide, in that order.
    case fused(Linear)
  }
  let projection: Projection
  let output: Linear
  let heads: Int
  let relative: RelativePositions?
  let path: ModulePath

  /// - Parameters:
  ///   - fused: takes `qkv` instead of `q_proj`, `k_proj` and `v_proj`.
  ///   - relative: added to the scores, for the cells of a square map.
  public init(
    _ w: Weights, _ width: Int, heads: Int, bias: Bool = true, fused: Bool = false, output: String = "out_proj", relative: RelativePositions? = nil
  ) throws(AviaryError) {
    path = w.path
    self.heads = heads
    self.relative = relative
    projection =
      fused
      ? .fused(try Linear(w["qkv"], width, 3 * width, bias: bias))
      : .separate(
        query: try Linear(w["q_proj"], width, width, bias: bias), key: try Linear(w["k_proj"], width, width, bias: bias),
        value: try Linear(w["v_proj"], width, width, bias: bias))
    self.output = try Linear(w[output], width, width, bias: bias)
  }

  /// [n, t, width] -> [n, t, width]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, t, width) = (x.size(0), x.size(1), x.size(2))
    let head = width / heads
    let scale = 1 / Float(head).squareRoot()
    let mixed = x.graph.within(path) {
      let (q, k, v) = project(x, head)
      guard let relative else { return q.attention(k, v, Attention(scale: scale)) }
      let longer = relative(q, k, scale: scale)
      return longer.queries.attention(longer.keys, v, Attention(scale: 1))
    }
    return output(mixed.reshaped(n, t, width))
  }

  /// Queries, keys and values [n, t, heads, head].
  private func project(_ x: Tensor, _ head: Int) -> (Tensor, Tensor, Tensor) {
    let (n, t) = (x.size(0), x.size(1))
    switch projection {
    case .separate(let query, let key, let value):
      func split(_ y: Tensor) -> Tensor { y.reshaped(n, t, heads, head) }
      return (split(query(x)), split(key(x)), split(value(x)))
    case .fused(let layer):
      let all = layer(x).reshaped(n, t, 3, heads, head)
      func part(_ i: Int) -> Tensor { all.slice(2, i..<i + 1).reshaped(n, t, heads, head) }
      return (part(0), part(1), part(2))
    }
  }
}

/// Causal self-attention with rotary positions, grouped queries and a cache: Llama, Mistral, Yi, Qwen.
public struct CausalAttention: Sendable {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  let rotary: RotaryEmbedding
  let heads: Int
  let kvHeads: Int
  let head: Int
  let window: Int
  let layer: Int
  let path: ModulePath

  /// - Parameters:
  ///   - window: keys further back are not seen; 0 sees all.
  ///   - bias: of queries, keys and values.
  public init(
    _ w: Weights, _ width: Int, heads: Int, kvHeads: Int, head: Int, layer: Int, rotary: RotaryEmbedding, window: Int = 0, bias: Bool = false,
    outputBias: Bool = false
  ) throws(AviaryError) {
    path = w.path
    (self.heads, self.kvHeads, self.head, self.layer, self.rotary, self.window) = (heads, kvHeads, head, layer, rotary, window)
    query = try Linear(w["q_proj"], width, heads * head, bias: bias)
    key = try Linear(w["k_proj"], width, kvHeads * head, bias: bias)
    value = try Linear(w["v_proj"], width, kvHeads * head, bias: bias)
    output = try Linear(w["o_proj"], heads * head, width, bias: outputBias)
  }

  /// [t, width] -> [t, width]
  public func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let t = x.size(0)
    let mixed = x.graph.within(path) {
      let q = rotary(query(x).reshaped(t, heads, head), step.positions)
      let k = rotary(key(x).reshaped(t, kvHeads, head), step.positions)
      let v = value(x).reshaped(t, kvHeads, head)
      let seen = step.cache.append(layer: layer, keys: k, values: v, at: step.positions)
      var spec = Attention(scale: 1 / Float(head).squareRoot())
      spec.window = Int32(window)
      return q.reshaped(1, t, heads, head).attention(seen.keys, seen.values, spec, positions: step.positions.reshaped(1, t))
    }
    return output(mixed.reshaped(t, heads * head))
  }
}

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

/// Causal self-attention with rotary positions, grouped queries and a cache: Llama, Mistral, Yi, Qwen.
public struct CausalAttention: Sendable {
  let projection: QKVProjection
  let output: Linear
  let rotary: RotaryEmbedding
  let logn: LogNScale?
  let heads: Int
  let kvHeads: Int
  let head: Int
  let window: Int
  let layer: Int
  let path: ModulePath

  /// - Parameters:
  ///   - window: keys further back are not seen; 0 sees all.
  ///   - bias: of queries, keys and values.
  ///   - logn: scales the queries of long sequences.
  public init(
    _ w: Weights, _ width: Int, heads: Int, kvHeads: Int, head: Int, layer: Int, rotary: RotaryEmbedding, window: Int = 0, bias: Bool = false,
    outputBias: Bool = false, layout: QKVProjection.Layout = .separate, logn: LogNScale? = nil
  ) throws(AviaryError) {
    path = w.path
    (self.heads, self.kvHeads, self.head, self.layer, self.rotary, self.window) = (heads, kvHeads, head, layer, rotary, window)
    self.logn = logn
    projection = try QKVProjection(w, width, heads: heads, kvHeads: kvHeads, head: head, bias: bias, layout: layout)
    output = try Linear(w["o_proj"], heads * head, width, bias: outputBias)
  }

  /// [t, width] -> [t, width]
  public func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let t = x.size(0)
    let mixed = x.graph.within(path) {
      var (q, k, v) = projection(x)
      (q, k) = (rotary(q, step.positions, regime: step.regime), rotary(k, step.positions, regime: step.regime))
      if let logn { q = q * logn(step.positions).reshaped(t, 1, 1) }
      let seen = step.cache.append(layer: layer, keys: k, values: v, at: step.positions)
      var spec = Attention(scale: 1 / Float(head).squareRoot())
      spec.window = Int32(window)
      return q.reshaped(1, t, heads, head).attention(seen.keys, seen.values, spec, positions: step.positions.reshaped(1, t))
    }
    return output(mixed.reshaped(t, heads * head))
  }
}

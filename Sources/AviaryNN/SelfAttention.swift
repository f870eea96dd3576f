public import AviaryCore
public import AviaryTensor

/// Multi-head self-attention without a mask, as vision encoders use it (Vaswani et al. 2017).
public struct SelfAttention: Sendable {
  let query: Linear
  let key: Linear
  let value: Linear
  let output: Linear
  let heads: Int
  let path: ModulePath

  public init(_ w: Weights, _ width: Int, heads: Int, bias: Bool = true, output: String = "out_proj") throws(AviaryError) {
    path = w.path
    self.heads = heads
    query = try Linear(w["q_proj"], width, width, bias: bias)
    key = try Linear(w["k_proj"], width, width, bias: bias)
    value = try Linear(w["v_proj"], width, width, bias: bias)
    self.output = try Linear(w[output], width, width, bias: bias)
  }

  /// [n, t, width] -> [n, t, width]
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let (n, t, width) = (x.size(0), x.size(1), x.size(2))
    let head = width / heads
    func split(_ y: Tensor) -> Tensor { y.reshaped(n, t, heads, head) }
    let mixed = x.graph.within(path) {
      split(query(x)).attention(split(key(x)), split(value(x)), Attention(scale: 1 / Float(head).squareRoot()))
    }
    return output(mixed.reshaped(n, t, width))
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

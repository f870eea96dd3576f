public import AviaryCore
import AviaryNN
public import AviaryTensor

/// A block that lets text look at pictures through two gates that training opens from zero (Alayrac et al. 2022).
public struct GatedCrossAttention: CrossAttentionBlock {
  let norm: Norm
  let attention: CrossAttention
  let attentionGate: Weight
  let feedForwardNorm: Norm
  let feedForward: FeedForward
  let feedForwardGate: Weight
  let path: ModulePath

  public var cacheShape: KVShape { attention.cacheShape }

  /// OpenFlamingo's form: layer norms and a plain feed-forward part of four times the width.
  ///
  /// - Parameters:
  ///   - width: channels of the decoder.
  ///   - context: channels of the pictures' rows.
  public init(openFlamingo w: Weights, _ width: Int, context: Int, heads: Int, head: Int) throws(AviaryError) {
    path = w.path
    norm = .layer(try LayerNorm(w["attn"]["norm"], width))
    attention = try CrossAttention(w["attn"], width, context: context, heads: heads, head: head, names: .lucidrains)
    attentionGate = try w.weight("attn_gate", [1])
    feedForwardNorm = .layer(try LayerNorm(w["ff"]["0"], width))
    feedForward = .plain(try MLP(w["ff"], width, 4 * width, .gelu, names: ("1", "3"), bias: false))
    feedForwardGate = try w.weight("ff_gate", [1])
  }

  /// IDEFICS's form: root-mean-square norms, the decoder's own heads and gated MLP, perhaps a gate per channel.
  ///
  /// - Parameters:
  ///   - normalisesHeads: queries and keys have norms over each head.
  ///   - hasVectorGates: gates are [1, 1, width] instead of [1].
  ///   - gatesBegin: what gates are where training starts from nothing.
  public init(
    idefics w: Weights, _ text: LlamaConfig, context: Int, normalisesHeads: Bool, hasVectorGates: Bool, gatesBegin: Float
  ) throws(AviaryError) {
    path = w.path
    let (width, epsilon) = (text.hiddenSize, text.epsilon)
    norm = .rms(try RMSNorm(w["input_layernorm"], width, epsilon: epsilon))
    let scope = w["cross_attn"]
    let norms: (query: Norm, key: Norm)? =
      normalisesHeads
      ? (
        query: Norm.rms(try RMSNorm(scope["q_layer_norm"], text.headDim, epsilon: epsilon)),
        key: Norm.rms(try RMSNorm(scope["k_layer_norm"], text.headDim, epsilon: epsilon))
      ) : nil
    attention = try CrossAttention(
      scope, width, context: context, heads: text.heads, head: text.headDim, names: .projections, norms: norms)
    let gate: Shape = hasVectorGates ? [1, 1, width] : [1]
    attentionGate = try w.weight("alpha_cross_attn", gate)
    for name in ["alpha_cross_attn", "alpha_dense"] { w.begins(name, as: .constant(gatesBegin)) }
    feedForwardNorm = .rms(try RMSNorm(w["post_attention_layernorm"], width, epsilon: epsilon))
    feedForward = .gated(try GatedMLP(w["mlp"], width, text.intermediateSize, activation: text.activation))
    feedForwardGate = try w.weight("alpha_dense", gate)
  }

  public func keysAndValues(_ rows: Tensor) -> (keys: Tensor, values: Tensor) { attention.keysAndValues(rows) }

  /// The feed-forward part acts on every token, also where no picture is seen.
  public func callAsFunction(_ x: Tensor, _ seen: SeenMedia?) -> Tensor {
    let (t, width) = (x.size(0), x.size(1))
    var h = x
    if let seen {
      let mixed = attention(norm(x).reshaped(1, t, width), seen.keys, seen.values, mask: seen.mask)
      h = h + opened(attentionGate, x.graph) * mixed.reshaped(t, width)
    }
    return h + opened(feedForwardGate, x.graph) * feedForward(feedForwardNorm(h))
  }

  private func opened(_ gate: Weight, _ graph: Graph) -> Tensor {
    graph.within(path) { graph.use(gate).reshaped(-1).unary(.tanh) }
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a Q-Former; those of BLIP-2 where nothing else is said.
public struct QFormerConfig: Sendable, Hashable {
  public var hiddenSize: Int
  public var layers: Int
  public var heads: Int
  public var intermediateSize: Int
  /// Every so many layers, the first one first, look at the picture.
  public var crossFrequency: Int
  public var queries: Int
  /// Channels of the features.
  public var encoderWidth: Int
  public var epsilon: Double

  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader, encoderWidth: Int) throws(AviaryError) {
    hiddenSize = try c.int("hidden_size", default: 768, in: 1...16_384)
    layers = try c.int("num_hidden_layers", default: 12, in: 1...256)
    heads = try c.int("num_attention_heads", default: 12, in: 1...256)
    intermediateSize = try c.int("intermediate_size", default: 3072, in: 1...262_144)
    crossFrequency = try c.int("cross_attention_freq", default: 2, in: 1...256)
    queries = try c.int("num_query_token", default: 32, in: 1...65_536)
    epsilon = try c.number("layer_norm_eps", default: 1e-12, in: 0...1)
    self.encoderWidth = try c.int("encoder_width", default: encoderWidth, in: 1...16_384)
    guard self.encoderWidth == encoderWidth else {
      throw AviaryError(.config, "encoder_width \(self.encoderWidth)", wanted: "\(encoderWidth), the tower's width", at: c.place)
    }
    guard hiddenSize % heads == 0 else {
      throw AviaryError(.config, "hidden_size \(hiddenSize)", wanted: "a multiple of num_attention_heads \(heads)", at: c.place)
    }
  }
}

/// BLIP-2's adapter (Li et al. 2023): learned queries through a BERT whose norms stand behind each part, and which looks
/// at the picture in every second layer.
public struct QFormer: Sendable {
  let queries: Weight
  let norm: LayerNorm
  let layers: [QFormerLayer]
  let config: QFormerConfig
  let path: ModulePath

  /// Takes `query_tokens`, `norm` and `layers.N` below the scope.
  public init(_ w: Weights, _ config: QFormerConfig) throws(AviaryError) {
    self.config = config
    path = w.path
    queries = try w.weight("query_tokens", [1, config.queries, config.hiddenSize])
    norm = try LayerNorm(w["norm"], config.hiddenSize, epsilon: config.epsilon)
    var layers: [QFormerLayer] = []
    for index in 0..<config.layers {
      layers.append(try QFormerLayer(w["layers"][index], config, looks: index % config.crossFrequency == 0))
    }
    self.layers = layers
  }

  /// [n, t, encoderWidth] -> [n, queries, hiddenSize]
  public func callAsFunction(_ features: Tensor) -> Tensor {
    let x = norm(features.graph.use(queries).cast(.f32).expanded(to: [features.size(0), config.queries, config.hiddenSize]))
    return layers.reduce(x) { $1($0, features) }
  }

  /// Rules from the names of LAVIS below a scope to those that `init` takes below another.
  public static func names(_ config: QFormerConfig, from: String, to: String) -> [NameMap.Rule] {
    let parts = [
      ("attention.self.query.", "self_attn.q_proj."), ("attention.self.key.", "self_attn.k_proj."), ("attention.self.value.", "self_attn.v_proj."),
      ("attention.output.dense.", "self_attn.out_proj."), ("attention.output.LayerNorm.", "attention_norm."),
      ("crossattention.self.query.", "cross_attn.q_proj."), ("crossattention.self.key.", "cross_attn.k_proj."),
      ("crossattention.self.value.", "cross_attn.v_proj."), ("crossattention.output.dense.", "cross_attn.out_proj."),
      ("crossattention.output.LayerNorm.", "cross_norm."), ("intermediate_query.dense.", "mlp.fc1."), ("output_query.dense.", "mlp.fc2."),
      ("output_query.LayerNorm.", "output_norm."),
    ]
    let layers = (0..<config.layers).flatMap { index -> [NameMap.Rule] in
      let stored = "\(from)Qformer.bert.encoder.layer.\(index)."
      // What reads text has layers of its own.
      return parts.map { NameMap.Rule.prefix(stored + $0.0, "\(to)layers.\(index).\($0.1)") }
        + ["intermediate.", "output."].map { NameMap.Rule.ignorePrefix(stored + $0) }
    }
    return layers + [
      .prefix(from + "Qformer.bert.embeddings.LayerNorm.", to + "norm."), .exact(from + "query_tokens", to + "query_tokens"),
      .ignorePrefix(from + "Qformer.bert.embeddings."), .ignorePrefix(from + "Qformer.cls."),
    ]
  }
}

/// One layer: three residual lines, each with its norm behind.
struct QFormerLayer: Sendable {
  let attention: SelfAttention
  let attentionNorm: LayerNorm
  let cross: (attention: CrossAttention, norm: LayerNorm)?
  let mlp: MLP
  let outputNorm: LayerNorm

  init(_ w: Weights, _ c: QFormerConfig, looks: Bool) throws(AviaryError) {
    attention = try SelfAttention(w["self_attn"], c.hiddenSize, heads: c.heads)
    attentionNorm = try LayerNorm(w["attention_norm"], c.hiddenSize, epsilon: c.epsilon)
    if looks {
      let names = CrossAttention.Names(query: "q_proj", context: .separate(key: "k_proj", value: "v_proj"), output: "out_proj")
      cross = (
        try CrossAttention(
          w["cross_attn"], c.hiddenSize, context: c.encoderWidth, heads: c.heads, head: c.hiddenSize / c.heads, names: names, bias: true),
        try LayerNorm(w["cross_norm"], c.hiddenSize, epsilon: c.epsilon)
      )
    } else {
      cross = nil
    }
    mlp = try MLP(w["mlp"], c.hiddenSize, c.intermediateSize, .gelu)
    outputNorm = try LayerNorm(w["output_norm"], c.hiddenSize, epsilon: c.epsilon)
  }

  func callAsFunction(_ x: Tensor, _ features: Tensor) -> Tensor {
    var h = attentionNorm(attention(x) + x)
    if let cross {
      let (keys, values) = cross.attention.keysAndValues(features)
      h = cross.norm(cross.attention(h, keys, values) + h)
    }
    return outputNorm(mlp(h) + h)
  }
}

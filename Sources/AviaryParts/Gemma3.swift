public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of Gemma 3's decoder (Gemma Team 2025, arXiv:2503.19786); Hugging Face's defaults fill what a file leaves out.
public struct Gemma3Config: Sendable, Hashable {
  public var hiddenSize = 2304
  public var intermediateSize = 9216
  public var layers = 26
  public var heads = 8
  public var kvHeads = 4
  public var headDim = 256
  public var vocabularySize = 262_208
  public var contextLength = 131_072
  public var epsilon = 1e-6
  public var ropeTheta = 1_000_000.0
  public var ropeScaling = 1.0
  public var localTheta = 10_000.0
  public var window = 4096
  /// Layers that see everything; the others see a window.
  public var globalLayers: Set<Int> = []
  /// Scores are divided by the root of it.
  public var queryScalar = 256.0
  public var activation = UnaryKind.geluTanh
  /// Stored scales of norms stand for this much more.
  public var normOffset: Float = 1

  /// Reads `Gemma3TextConfig`.
  ///
  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    hiddenSize = try c.int("hidden_size", default: 2304, in: 1...65_536)
    intermediateSize = try c.int("intermediate_size", default: 9216, in: 1...1_048_576)
    layers = try c.int("num_hidden_layers", default: 26, in: 1...1024)
    heads = try c.int("num_attention_heads", default: 8, in: 1...1024)
    kvHeads = try c.int("num_key_value_heads", default: 4, in: 1...1024)
    guard heads % kvHeads == 0 else {
      throw AviaryError(.config, "num_attention_heads \(heads)", wanted: "a multiple of num_key_value_heads \(kvHeads)", at: c.place)
    }
    headDim = try c.int("head_dim", default: 256, in: 2...4096)
    guard headDim % 2 == 0 else { throw AviaryError(.config, "a head size of \(headDim)", wanted: "an even one, for rotary positions", at: c.place) }
    vocabularySize = try c.int("vocab_size", default: 262_208, in: 1...4_194_304)
    contextLength = try c.int("max_position_embeddings", default: 131_072, in: 1...16_777_216)
    epsilon = try c.number("rms_norm_eps", default: 1e-6, in: 0...1)
    ropeTheta = try c.number("rope_theta", default: 1e6, in: 1...1e12)
    localTheta = try c.number("rope_local_base_freq", default: 1e4, in: 1...1e12)
    if let scaling = try c.object("rope_scaling") {
      let kind = try scaling.string(scaling.has("rope_type") ? "rope_type" : "type", default: "default")
      guard kind == "linear" || kind == "default" else { throw AviaryError(.config, "rope type \(kind)", wanted: "default or linear", at: scaling.place) }
      if kind == "linear" { ropeScaling = try scaling.number("factor", in: 0.01...1e6) }
    }
    window = try c.int("sliding_window", default: 4096, in: 0...16_777_216)
    queryScalar = try c.number("query_pre_attn_scalar", default: 256, in: 1e-3...1e6)
    activation = try c.choice("hidden_activation", default: "gelu_pytorch_tanh", of: Activation.byName)
    normOffset = Float(try c.number("norm_offset", default: 1, in: 0...1))
    globalLayers = try Self.globalLayers(c, layers)
    for key in ["attn_logit_softcapping", "final_logit_softcapping"] where c.has(key) {
      throw AviaryError(.config, "\(key) is set", wanted: "none, as in all published checkpoints", at: c.place)
    }
  }

  /// `layer_types` names each; else every sixth layer (`sliding_window_pattern`).
  private static func globalLayers(_ c: ConfigReader, _ layers: Int) throws(AviaryError) -> Set<Int> {
    let types = try c.strings("layer_types")
    if types.isEmpty {
      let pattern = try c.int("sliding_window_pattern", default: 6, in: 1...1024)
      return Set((0..<layers).filter { ($0 + 1) % pattern == 0 })
    }
    guard types.count == layers else { throw AviaryError(.config, "\(types.count) layer types", wanted: "\(layers)", at: "\(c.place): layer_types") }
    return Set((0..<layers).filter { types[$0] == "full_attention" })
  }
}

/// Gemma 3's decoder: norms in front of and behind both parts of a block, norms of queries and keys, windows in five
/// layers of six with rotary positions of their own, a gated MLP with GELU, a head tied to embeddings that are scaled.
public struct Gemma3: LayeredLanguageModel {
  let config: Gemma3Config
  let embedding: Embedding
  let layers: [Gemma3Layer]
  let norm: RMSNorm

  public var width: Int { config.hiddenSize }
  public var vocabularySize: Int { config.vocabularySize }
  public var contextLength: Int { config.contextLength }
  public var layerCount: Int { layers.count }
  public var cacheShapes: [KVShape] {
    Array(repeating: KVShape(heads: config.kvHeads, keyWidth: config.headDim, valueWidth: config.headDim), count: config.layers)
  }

  /// Takes `model.embed_tokens`, `model.layers.N` and `model.norm` below the scope.
  public init(_ w: Weights, _ config: Gemma3Config) throws(AviaryError) {
    self.config = config
    let w = w.part(.language)
    let model = w["model"]
    embedding = try Embedding(model["embed_tokens"], config.vocabularySize, config.hiddenSize)
    let global = try RotaryEmbedding(model["rotary"], dimensions: config.headDim, theta: config.ropeTheta, linearScaling: config.ropeScaling)
    let local = try RotaryEmbedding(model["rotary_local"], dimensions: config.headDim, theta: config.localTheta)
    var layers: [Gemma3Layer] = []
    for index in 0..<config.layers {
      let isGlobal = config.globalLayers.contains(index)
      layers.append(try Gemma3Layer(model["layers"][index], config, layer: index, isGlobal ? global : local, window: isGlobal ? 0 : config.window))
    }
    self.layers = layers
    norm = try RMSNorm(model["norm"], config.hiddenSize, epsilon: config.epsilon, offset: config.normOffset)
    // PyTorch files may keep the tied head under its own name as well.
    _ = try w["lm_head"].optional("weight", [config.vocabularySize, config.hiddenSize])
  }

  public func embed(_ ids: Tensor) -> Tensor { embedding(ids) * Float(config.hiddenSize).squareRoot() }
  public func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor { layers[index](x, step) }
  public func normalised(_ x: Tensor) -> Tensor { norm(x) }
  public func logits(_ hidden: Tensor) -> Tensor { embedding.project(hidden) }
}

/// One block: two residual lines.
struct Gemma3Layer: Sendable {
  let inputNorm: RMSNorm
  let attention: CausalAttention
  let postAttentionNorm: RMSNorm
  let preFeedForwardNorm: RMSNorm
  let mlp: GatedMLP
  let postFeedForwardNorm: RMSNorm

  init(_ w: Weights, _ c: Gemma3Config, layer: Int, _ rotary: RotaryEmbedding, window: Int) throws(AviaryError) {
    func norm(_ scope: Weights, _ width: Int) throws(AviaryError) -> RMSNorm {
      try RMSNorm(scope, width, epsilon: c.epsilon, offset: c.normOffset)
    }
    inputNorm = try norm(w["input_layernorm"], c.hiddenSize)
    let scope = w["self_attn"]
    attention = try CausalAttention(
      scope, c.hiddenSize, heads: c.heads, kvHeads: c.kvHeads, head: c.headDim, layer: layer, positions: .rotary(rotary), window: window,
      norms: .perHead(query: try norm(scope["q_norm"], c.headDim), key: try norm(scope["k_norm"], c.headDim)), scale: 1 / c.queryScalar.squareRoot())
    postAttentionNorm = try norm(w["post_attention_layernorm"], c.hiddenSize)
    preFeedForwardNorm = try norm(w["pre_feedforward_layernorm"], c.hiddenSize)
    mlp = try GatedMLP(w["mlp"], c.hiddenSize, c.intermediateSize, activation: c.activation)
    postFeedForwardNorm = try norm(w["post_feedforward_layernorm"], c.hiddenSize)
  }

  func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let h = x + postAttentionNorm(attention(inputNorm(x), step))
    return h + postFeedForwardNorm(mlp(preFeedForwardNorm(h)))
  }
}

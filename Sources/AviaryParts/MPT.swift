public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of an MPT decoder (MosaicML 2023), in its final form (`mpt`) and its first (`mosaic_gpt`, MPT-1B).
public struct MPTConfig: Sendable, Hashable {
  public var hiddenSize = 2048
  public var intermediateSize = 8192
  public var layers = 24
  public var heads = 16
  public var vocabularySize = 50368
  public var contextLength = 2048
  public var epsilon = 1e-5
  public var alibiMaximum = 8.0
  /// Norms over all queries and all keys.
  public var normalisesQueries = false
  public var hasBias = false
  public var scale: Double?
  /// The first form has other names and another rule for slopes.
  public var isMosaicGPT = false

  /// - Parameter isInside: the keys stand in another model's configuration, whose `model_type` is that model's.
  /// - Throws: `.config` with the key path of what cannot be right, or what no published checkpoint has.
  public init(_ c: ConfigReader, ofOtherType isInside: Bool = false) throws(AviaryError) {
    isMosaicGPT = isInside ? false : try c.choice("model_type", default: "mpt", of: [("mpt", false), ("mosaic_gpt", true)])
    hiddenSize = try c.int("d_model", default: 2048, in: 1...65_536)
    heads = try c.int("n_heads", default: 16, in: 1...1024)
    layers = try c.int("n_layers", default: 24, in: 1...1024)
    let ratio = try c.int(isMosaicGPT ? "mlp_ratio" : "expansion_ratio", default: 4, in: 1...64)
    intermediateSize = hiddenSize * ratio
    vocabularySize = try c.int("vocab_size", default: 50368, in: 1...4_194_304)
    contextLength = try c.int("max_seq_len", default: 2048, in: 1...16_777_216)
    epsilon = try c.number("layer_norm_epsilon", default: 1e-5, in: 0...1)
    hasBias = try !c.bool("no_bias", default: isMosaicGPT ? false : true)
    guard hiddenSize % heads == 0 else {
      throw AviaryError(.config, "d_model \(hiddenSize)", wanted: "a multiple of n_heads \(heads)", at: c.place)
    }
    let nested = isMosaicGPT ? c : try c.object("attn_config") ?? .empty("\(c.place): attn_config")
    let scope = isMosaicGPT ? "attn_" : ""
    normalisesQueries = try nested.bool(scope + "qk_ln", default: false)
    scale = nested.has("softmax_scale") ? try nested.number("softmax_scale", in: 1e-6...1e6) : nil
    alibiMaximum = try nested.number("alibi_bias_max", default: 8, in: 0.01...1000)
    try Self.refuse(!nested.bool("alibi", default: !isMosaicGPT), "alibi false", "linear biases for positions", nested)
    try Self.refuse(nested.has(scope + "clip_qkv"), "clipped queries (clip_qkv)", "none", nested)
    try Self.refuse(nested.bool("prefix_lm", default: false), "prefix_lm", "a causal decoder", nested)
    try Self.refuse(c.has("logit_scale"), "a logit_scale", "none", c)
    try Self.refuse(c.number("embedding_fraction", default: 1, in: 0...1) != 1, "an embedding_fraction below 1", "1", c)
    let norm = try c.string("norm_type", default: "low_precision_layernorm")
    try Self.refuse(!norm.hasSuffix("layernorm"), "norm_type \(norm)", "layernorm or low_precision_layernorm", c)
  }

  private static func refuse(_ isSo: Bool, _ found: String, _ wanted: String, _ c: ConfigReader) throws(AviaryError) {
    if isSo { throw AviaryError(.config, found, wanted: wanted, at: c.place) }
  }
}

/// The MPT decoder: pre-norm blocks without biases, positions as linear biases, a head tied to the embeddings.
public struct MPT: LayeredLanguageModel {
  let config: MPTConfig
  let embedding: Embedding
  let layers: [MPTLayer]
  let norm: LayerNorm

  public var width: Int { config.hiddenSize }
  public var vocabularySize: Int { config.vocabularySize }
  public var contextLength: Int { config.contextLength }
  public var layerCount: Int { layers.count }
  public var cacheShapes: [KVShape] {
    let head = config.hiddenSize / config.heads
    return Array(repeating: KVShape(heads: config.heads, keyWidth: head, valueWidth: head), count: config.layers)
  }

  /// Takes `transformer.wte`, `transformer.blocks.N` and the final norm below the scope.
  public init(_ w: Weights, _ config: MPTConfig) throws(AviaryError) {
    let w = w.part(.language)
    self.config = config
    let model = w["transformer"]
    embedding = try Embedding(model["wte"], config.vocabularySize, config.hiddenSize)
    let alibi = try ALiBi(
      model, heads: config.heads, maximum: config.alibiMaximum, slopes: config.isMosaicGPT ? .plain : .nextPowerOfTwo)
    var layers: [MPTLayer] = []
    for index in 0..<config.layers { layers.append(try MPTLayer(model["blocks"][index], config, layer: index, alibi)) }
    self.layers = layers
    norm = try LayerNorm(model[config.isMosaicGPT ? "ln_f" : "norm_f"], config.hiddenSize, epsilon: config.epsilon, bias: config.hasBias)
  }

  public func embed(_ ids: Tensor) -> Tensor { embedding(ids) }
  public func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor { layers[index](x, step) }
  public func normalised(_ x: Tensor) -> Tensor { norm(x) }
  public func logits(_ hidden: Tensor) -> Tensor { embedding.project(hidden) }
}

/// One block: two residual lines.
struct MPTLayer: Sendable {
  let norm1: LayerNorm
  let attention: CausalAttention
  let norm2: LayerNorm
  let mlp: MLP

  init(_ w: Weights, _ c: MPTConfig, layer: Int, _ alibi: ALiBi) throws(AviaryError) {
    func norm(_ scope: Weights) throws(AviaryError) -> LayerNorm {
      try LayerNorm(scope, c.hiddenSize, epsilon: c.epsilon, bias: c.hasBias)
    }
    norm1 = try norm(w[c.isMosaicGPT ? "ln_1" : "norm_1"])
    norm2 = try norm(w[c.isMosaicGPT ? "ln_2" : "norm_2"])
    let scope = w["attn"]
    let norms: CausalAttention.Norms? = c.normalisesQueries ? .joined(query: try norm(scope["q_ln"]), key: try norm(scope["k_ln"])) : nil
    attention = try CausalAttention(
      scope, c.hiddenSize, heads: c.heads, kvHeads: c.heads, head: c.hiddenSize / c.heads, layer: layer, positions: .alibi(alibi),
      bias: c.hasBias, outputBias: c.hasBias, output: "out_proj", layout: .joined("Wqkv"), norms: norms, scale: c.scale)
    mlp = try MLP(
      w[c.isMosaicGPT ? "mlp" : "ffn"], c.hiddenSize, c.intermediateSize, .gelu,
      names: c.isMosaicGPT ? ("mlp_up", "mlp_down") : ("up_proj", "down_proj"), bias: c.hasBias)
  }

  func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let h = x + attention(norm1(x), step)
    return h + mlp(norm2(h))
  }
}

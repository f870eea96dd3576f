public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a GPT-NeoX decoder (Black et al. 2022); Hugging Face's defaults fill what a configuration leaves out.
public struct GPTNeoXConfig: Sendable, Hashable {
  public var hiddenSize = 6144
  public var intermediateSize = 24576
  public var layers = 44
  public var heads = 64
  public var vocabularySize = 50432
  public var contextLength = 2048
  public var epsilon = 1e-5
  /// Leading dimensions of a head that are rotated.
  public var rotary = 24
  public var ropeTheta = 10000.0
  /// Attention and MLP read the same input.
  public var isParallel = true
  public var attentionBias = true
  public var tiesEmbeddings = false
  public var activation = UnaryKind.gelu
  /// The rows of all queries, then all keys' and all values', as in llama.cpp's files, instead of each head's in turn.
  public var joinsProjections = false

  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    hiddenSize = try c.int("hidden_size", default: 6144, in: 1...65_536)
    intermediateSize = try c.int("intermediate_size", default: 24576, in: 1...1_048_576)
    layers = try c.int("num_hidden_layers", default: 44, in: 1...1024)
    heads = try c.int("num_attention_heads", default: 64, in: 1...1024)
    vocabularySize = try c.int("vocab_size", default: 50432, in: 1...4_194_304)
    contextLength = try c.int("max_position_embeddings", default: 2048, in: 1...16_777_216)
    epsilon = try c.number("layer_norm_eps", default: 1e-5, in: 0...1)
    ropeTheta = try c.number("rotary_emb_base", default: 10000, in: 1...1e12)
    isParallel = try c.bool("use_parallel_residual", default: true)
    attentionBias = try c.bool("attention_bias", default: true)
    tiesEmbeddings = try c.bool("tie_word_embeddings", default: false)
    joinsProjections = try c.bool("joins_projections", default: false)
    activation = try c.choice("hidden_act", default: "gelu", of: Activation.byName)
    guard hiddenSize % heads == 0 else {
      throw AviaryError(.config, "hidden_size \(hiddenSize)", wanted: "a multiple of num_attention_heads \(heads)", at: c.place)
    }
    rotary = Int(Double(hiddenSize / heads) * (try c.number("rotary_pct", default: 0.25, in: 0...1)))
    guard rotary > 0, rotary % 2 == 0 else {
      throw AviaryError(.config, "\(rotary) rotated dimensions (rotary_pct)", wanted: "an even number of them", at: c.place)
    }
    if let scaling = try c.object("rope_scaling") {
      throw AviaryError(.config, "rope_scaling \(scaling.json.kindDescription)", wanted: "none", at: c.place)
    }
  }
}

/// The GPT-NeoX decoder: biases everywhere, rows of queries, keys and values interleaved per head, partial rotary positions.
public struct GPTNeoX: LayeredLanguageModel {
  let config: GPTNeoXConfig
  let embedding: Embedding
  let layers: [GPTNeoXLayer]
  let norm: LayerNorm
  let head: Linear?

  public var width: Int { config.hiddenSize }
  public var vocabularySize: Int { config.vocabularySize }
  public var contextLength: Int { config.contextLength }
  public var layerCount: Int { layers.count }
  public var cacheShapes: [KVShape] {
    let head = config.hiddenSize / config.heads
    return Array(repeating: KVShape(heads: config.heads, keyWidth: head, valueWidth: head), count: config.layers)
  }

  /// Takes `gpt_neox.embed_in`, `gpt_neox.layers.N`, `gpt_neox.final_layer_norm` and `embed_out` below the scope.
  public init(_ w: Weights, _ config: GPTNeoXConfig) throws(AviaryError) {
    let w = w.part(.language)
    self.config = config
    let model = w["gpt_neox"]
    embedding = try Embedding(model["embed_in"], config.vocabularySize, config.hiddenSize)
    let rotary = try RotaryEmbedding(model["rotary"], dimensions: config.rotary, theta: config.ropeTheta)
    var layers: [GPTNeoXLayer] = []
    for index in 0..<config.layers { layers.append(try GPTNeoXLayer(model["layers"][index], config, layer: index, rotary)) }
    self.layers = layers
    norm = try LayerNorm(model["final_layer_norm"], config.hiddenSize, epsilon: config.epsilon)
    if config.tiesEmbeddings { _ = try w["embed_out"].optional("weight", [config.vocabularySize, config.hiddenSize]) }
    head = config.tiesEmbeddings ? nil : try Linear(w["embed_out"], config.hiddenSize, config.vocabularySize)
  }

  public func embed(_ ids: Tensor) -> Tensor { embedding(ids) }
  public func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor { layers[index](x, step) }
  public func normalised(_ x: Tensor) -> Tensor { norm(x) }
  public func logits(_ hidden: Tensor) -> Tensor { head.map { $0(hidden) } ?? embedding.project(hidden) }
}

/// One block: two residual lines, or one with both parts.
struct GPTNeoXLayer: Sendable {
  let inputNorm: LayerNorm
  let attention: CausalAttention
  let postNorm: LayerNorm
  let mlp: MLP
  let isParallel: Bool

  init(_ w: Weights, _ c: GPTNeoXConfig, layer: Int, _ rotary: RotaryEmbedding) throws(AviaryError) {
    inputNorm = try LayerNorm(w["input_layernorm"], c.hiddenSize, epsilon: c.epsilon)
    attention = try CausalAttention(
      w["attention"], c.hiddenSize, heads: c.heads, kvHeads: c.heads, head: c.hiddenSize / c.heads, layer: layer,
      positions: .rotary(rotary), bias: c.attentionBias, outputBias: c.attentionBias, output: "dense",
      layout: c.joinsProjections ? .joined("query_key_value") : .interleaved("query_key_value"))
    postNorm = try LayerNorm(w["post_attention_layernorm"], c.hiddenSize, epsilon: c.epsilon)
    mlp = try MLP(w["mlp"], c.hiddenSize, c.intermediateSize, c.activation, names: ("dense_h_to_4h", "dense_4h_to_h"))
    isParallel = c.isParallel
  }

  func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let h = x + attention(inputNorm(x), step)
    return h + mlp(postNorm(isParallel ? x : h))
  }
}

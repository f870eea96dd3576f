public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a Llama-type decoder. Hugging Face's defaults fill what a configuration leaves out, since published files
/// list only what differs from them.
public struct LlamaConfig: Sendable, Hashable {
  public var hiddenSize = 4096
  public var intermediateSize = 11008
  public var layers = 32
  public var heads = 32
  public var kvHeads = 32
  public var headDim = 128
  public var vocabularySize = 32000
  /// Tokens behind these whose rows stand in tables of their own (IDEFICS).
  public var additionalVocabulary = 0
  public var contextLength = 2048
  public var epsilon = 1e-6
  public var ropeTheta = 10000.0
  public var ropeScaling = 1.0
  /// Divisors of the single rotary frequencies (Llama 3.1 and later); empty for none.
  public var ropeFactors: [Float] = []
  /// Rotated pairs are neighbours: rows of queries and keys lie as in llama.cpp's files.
  public var ropeIsInterleaved = false
  /// Cosines and sines of the positions are rounded to 16 bits.
  public var roundsRotary = false
  public var window = 0
  public var attentionBias = false
  public var attentionOutputBias = false
  public var tiesEmbeddings = false
  public var activation = UnaryKind.silu
  /// Queries, keys and values come from one matrix, `qkv_proj`.
  public var joinsProjections = false
  /// Length from which on the prompt's length changes the rotary base; 0 never.
  public var ntkLength = 0
  /// Length from which on queries are scaled by the logarithm of their place; 0 never.
  public var lognLength = 0

  /// Reads `LlamaConfig` or, where `model_type` says so, `MistralConfig` or `Qwen2Config` of Hugging Face.
  ///
  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    let type = try c.string("model_type", default: "llama")
    let isMistral = type == "mistral"
    hiddenSize = try c.int("hidden_size", default: 4096, in: 1...65_536)
    intermediateSize = try c.int("intermediate_size", default: isMistral ? 14336 : 11008, in: 1...1_048_576)
    layers = try c.int("num_hidden_layers", default: 32, in: 1...1024)
    heads = try c.int("num_attention_heads", default: 32, in: 1...1024)
    // Mistral's default of 8 holds where the key is absent; `null` means one for each head, there too.
    kvHeads = try c.int("num_key_value_heads", default: isMistral && c.json["num_key_value_heads"] != .null ? 8 : heads, in: 1...1024)
    guard heads % kvHeads == 0 else {
      throw AviaryError(.config, "num_attention_heads \(heads)", wanted: "a multiple of num_key_value_heads \(kvHeads)", at: c.place)
    }
    if !c.has("head_dim"), hiddenSize % heads != 0 {
      throw AviaryError(.config, "hidden_size \(hiddenSize)", wanted: "a multiple of num_attention_heads \(heads)", at: c.place)
    }
    headDim = try c.int("head_dim", default: hiddenSize / heads, in: 1...4096)
    guard headDim % 2 == 0 else {
      throw AviaryError(.config, "a head size of \(headDim)", wanted: "an even one, for rotary positions", at: c.place)
    }
    vocabularySize = try c.int("vocab_size", default: 32000, in: 1...4_194_304)
    contextLength = try c.int("max_position_embeddings", default: isMistral ? 131_072 : 2048, in: 1...16_777_216)
    epsilon = try c.number("rms_norm_eps", default: 1e-6, in: 0...1)
    window = isMistral ? try Self.slidingWindow(c) : 0
    // Qwen2 has biases on queries, keys and values, and no key that says so.
    attentionBias = type == "qwen2" ? true : try c.bool("attention_bias", default: false)
    let biased = try c.bool("attention_bias", default: false)
    attentionOutputBias = try c.bool("attention_output_bias", default: biased)
    if type == "qwen2", try c.bool("use_sliding_window", default: false) {
      throw AviaryError(.config, "use_sliding_window", wanted: "full attention, as published checkpoints have it", at: c.place)
    }
    tiesEmbeddings = try c.bool("tie_word_embeddings", default: false)
    activation = try c.choice("hidden_act", default: "silu", of: Activation.byName)
    (ropeTheta, ropeScaling) = try Self.rope(c)
    ropeFactors = try Self.factors(c, half: headDim / 2)
    ropeIsInterleaved = try c.bool("rope_interleaved", default: false)
  }

  /// `sliding_window: null` means none; where the key is absent, Mistral's default of 4096 holds.
  private static func slidingWindow(_ c: ConfigReader) throws(AviaryError) -> Int {
    if c.json["sliding_window"] == .null { return 0 }
    return try c.int("sliding_window", default: 4096, in: 0...16_777_216)
  }

  /// `rope_theta` stands at the top or, in newer saves, in `rope_parameters` or `rope_scaling`.
  private static func rope(_ c: ConfigReader) throws(AviaryError) -> (theta: Double, scaling: Double) {
    let parameters = try c.object("rope_parameters")
    let scaling = try c.object("rope_scaling")
    let nested = parameters ?? scaling
    let range = 1.0...1e12
    var theta = try c.number("rope_theta", default: 10000, in: range)
    guard let nested else { return (theta, 1) }
    theta = try nested.number("rope_theta", default: theta, in: range)
    let kind = try nested.string(nested.has("rope_type") ? "rope_type" : "type", default: "default")
    switch kind {
    case "default": return (theta, 1)
    case "linear": return (theta, try nested.number("factor", in: 0.01...1e6))
    case "factors": return (theta, 1)
    default: throw AviaryError(.config, "rope type \(kind)", wanted: "default or linear", at: nested.place)
    }
  }

  /// What a GGUF file lists under `rope_freqs.weight`.
  private static func factors(_ c: ConfigReader, half: Int) throws(AviaryError) -> [Float] {
    guard let scaling = try c.object("rope_scaling"), scaling.has("factors") else { return [] }
    let factors = try scaling.numbers("factors", count: half, default: []).map { Float($0) }
    guard factors.allSatisfy({ $0 > 0 }) else { throw AviaryError(.config, "a factor of rotary frequencies below 0", at: scaling.place) }
    return factors
  }
}

/// The Llama decoder (Touvron et al. 2023), which Vicuna, Mistral and Yi share: pre-norm blocks of grouped-query
/// attention with rotary positions, and a gated MLP.
public struct Llama: LayeredLanguageModel {
  let config: LlamaConfig
  let embedding: Embedding
  let rotary: RotaryEmbedding
  let layers: [LlamaLayer]
  let norm: RMSNorm
  let head: Linear?
  let additionalHead: Linear?

  public var width: Int { config.hiddenSize }
  public var vocabularySize: Int { config.vocabularySize + config.additionalVocabulary }
  public var contextLength: Int { config.contextLength }
  public var cacheShapes: [KVShape] {
    Array(repeating: KVShape(heads: config.kvHeads, keyWidth: config.headDim, valueWidth: config.headDim), count: config.layers)
  }

  /// Takes `model.embed_tokens`, `model.layers.N`, `model.norm` and `lm_head` below the scope.
  public init(_ w: Weights, _ config: LlamaConfig) throws(AviaryError) {
    let w = w.part(.language)
    self.config = config
    let model = w["model"]
    embedding = try Embedding(model["embed_tokens"], config.vocabularySize, config.hiddenSize, additional: config.additionalVocabulary)
    rotary = try RotaryEmbedding(
      model["rotary"], dimensions: config.headDim, theta: config.ropeTheta, interleaved: config.ropeIsInterleaved,
      linearScaling: config.ropeScaling, factors: config.ropeFactors,
      ntk: config.ntkLength > 0 ? DynamicNTK(trained: config.ntkLength, longest: config.contextLength) : nil,
      halfPositions: config.roundsRotary ? config.contextLength : nil)
    var layers: [LlamaLayer] = []
    for index in 0..<config.layers { layers.append(try LlamaLayer(model["layers"][index], config, layer: index, rotary)) }
    self.layers = layers
    norm = try RMSNorm(model["norm"], config.hiddenSize, epsilon: config.epsilon)
    // PyTorch files keep a tied head under both names.
    if config.tiesEmbeddings { _ = try w["lm_head"].optional("weight", [config.vocabularySize, config.hiddenSize]) }
    head = config.tiesEmbeddings ? nil : try Linear(w["lm_head"], config.hiddenSize, config.vocabularySize)
    additionalHead =
      config.tiesEmbeddings || config.additionalVocabulary == 0
      ? nil : try Linear(w["lm_head"]["additional_fc"], config.hiddenSize, config.additionalVocabulary)
  }

  public func embed(_ ids: Tensor) -> Tensor { embedding(ids) }

  public var layerCount: Int { layers.count }
  public func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor { layers[index](x, step) }
  public func normalised(_ x: Tensor) -> Tensor { norm(x) }

  public func positionRegime(promptTokens: Int) -> Int { rotary.regime(promptTokens: promptTokens) }

  public func logits(_ hidden: Tensor) -> Tensor {
    guard let head else { return embedding.project(hidden) }
    return additionalHead.map { Tensor.concat([head(hidden), $0(hidden)], axis: -1) } ?? head(hidden)
  }
}

/// One block: two residual lines.
struct LlamaLayer: Sendable {
  let inputNorm: RMSNorm
  let attention: CausalAttention
  let postNorm: RMSNorm
  let mlp: GatedMLP

  init(_ w: Weights, _ c: LlamaConfig, layer: Int, _ rotary: RotaryEmbedding) throws(AviaryError) {
    inputNorm = try RMSNorm(w["input_layernorm"], c.hiddenSize, epsilon: c.epsilon)
    attention = try CausalAttention(
      w["self_attn"], c.hiddenSize, heads: c.heads, kvHeads: c.kvHeads, head: c.headDim, layer: layer, positions: .rotary(rotary),
      window: c.window, bias: c.attentionBias, outputBias: c.attentionOutputBias, layout: c.joinsProjections ? .joined("qkv_proj") : .separate,
      logn: c.lognLength > 0 ? LogNScale(trained: c.lognLength) : nil)
    postNorm = try RMSNorm(w["post_attention_layernorm"], c.hiddenSize, epsilon: c.epsilon)
    mlp = try GatedMLP(w["mlp"], c.hiddenSize, c.intermediateSize, activation: c.activation)
  }

  func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    let h = x + attention(inputNorm(x), step)
    return h + mlp(postNorm(h))
  }
}

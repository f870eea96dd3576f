public import AviaryCore
public import AviaryTensor

/// Qwen's first generation (Bai et al. 2023, arXiv:2309.16609) is Llama's decoder with one biased matrix for queries,
/// keys and values, and two measures for prompts longer than those of its training: dynamic NTK and scaled queries. Its
/// configuration and its names differ; `Llama` runs it.
public enum QwenLM {
  /// Reads `QWenConfig`, whose keys stand at the top of `config.json`.
  ///
  /// - Throws: `.config` with the key path of what cannot be right, or of a variant that nobody published.
  public static func config(_ c: ConfigReader) throws(AviaryError) -> LlamaConfig {
    var config = try LlamaConfig(.empty(c.place))
    config.hiddenSize = try c.int("hidden_size", default: 4096, in: 1...65_536)
    // Each of the two upper matrices has half of it.
    let both = try c.int("intermediate_size", default: 22016, in: 2...2_097_152)
    config.intermediateSize = both / 2
    config.layers = try c.int("num_hidden_layers", default: 32, in: 1...1024)
    config.heads = try c.int("num_attention_heads", default: 32, in: 1...1024)
    config.kvHeads = config.heads
    config.headDim = try c.int("kv_channels", default: 128, in: 1...4096)
    guard config.heads * config.headDim == config.hiddenSize, config.headDim % 2 == 0, config.headDim > 2 else {
      throw AviaryError(
        .config, "\(config.heads) heads of \(config.headDim) channels for a width of \(config.hiddenSize)",
        wanted: "an even number of channels above 2 that fill the width", at: "\(c.place): kv_channels")
    }
    config.vocabularySize = try c.int("vocab_size", default: 151_936, in: 1...4_194_304)
    config.contextLength = try c.int("max_position_embeddings", default: 8192, in: 1...16_777_216)
    config.epsilon = try c.number("layer_norm_epsilon", default: 1e-6, in: 0...1)
    config.ropeTheta = try c.number("rotary_emb_base", default: 10000, in: 1...1e12)
    config.attentionBias = true
    config.joinsProjections = true
    config.tiesEmbeddings = try c.bool("tie_word_embeddings", default: false)
    let trained = try c.int("seq_length", default: 2048, in: 2...16_777_216)
    if try c.bool("use_dynamic_ntk", default: true) { config.ntkLength = trained }
    if try c.bool("use_logn_attn", default: true) { config.lognLength = trained }
    for (key, published) in [("no_bias", true), ("scale_attn_weights", true)] {
      guard try c.bool(key, default: published) == published else {
        throw AviaryError(.config, "\(key) \(!published)", wanted: "\(published), as all published checkpoints have it", at: "\(c.place): \(key)")
      }
    }
    guard try c.number("rotary_pct", default: 1, in: 0...1) == 1 else {
      throw AviaryError(.config, "rotary_pct below 1", wanted: "1, as all published checkpoints have it", at: "\(c.place): rotary_pct")
    }
    return config
  }

  /// Rules from the published names (`transformer.h.N.attn.c_attn`, `lm_head`) below `from` to those that `Llama` takes below
  /// `to`. Both end with a dot or are empty.
  public static func names(_ config: LlamaConfig, from: String = "", to: String) -> [NameMap.Rule] {
    let parts = [
      ("ln_1.", "input_layernorm."), ("attn.c_attn.", "self_attn.qkv_proj."), ("attn.c_proj.", "self_attn.o_proj."),
      ("ln_2.", "post_attention_layernorm."),
      // The activation is on the second matrix.
      ("mlp.w2.", "mlp.gate_proj."), ("mlp.w1.", "mlp.up_proj."), ("mlp.c_proj.", "mlp.down_proj."),
    ]
    let layers = (0..<config.layers).flatMap { index in
      parts.map { NameMap.Rule.prefix("\(from)transformer.h.\(index).\($0.0)", "\(to)model.layers.\(index).\($0.1)") }
    }
    return layers + [
      .exact(from + "transformer.wte.weight", to + "model.embed_tokens.weight"),
      .exact(from + "transformer.ln_f.weight", to + "model.norm.weight"), .exact(from + "lm_head.weight", to + "lm_head.weight"),
      .ignoreSuffix("rotary_emb.inv_freq"),
    ]
  }
}

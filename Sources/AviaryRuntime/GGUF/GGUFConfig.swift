import AviaryCore
import AviaryFormats
import AviaryTensor

/// The metadata of a language model as the `config.json` that its authors would have written, so that the families read
/// GGUF files and folders in one way.
struct GGUFConfig {
  let file: GGUFFile
  let architecture: GGUFArchitecture
  let sizes: GGUFSizes

  init(_ file: GGUFFile) throws(AviaryError) {
    self.file = file
    architecture = try GGUFArchitecture(file.metadata)
    sizes = try GGUFSizes(file, architecture)
  }

  private func key(_ name: String) -> String { "\(architecture.rawValue).\(name)" }

  func json() throws(AviaryError) -> JSONObject {
    var c = JSONObject()
    c.append("model_type", .string(architecture.modelType))
    c.append("vocab_size", .int(sizes.vocabulary))
    switch architecture {
    case .llama, .qwen2: try llama(&c)
    case .gemma3: try gemma3(&c)
    case .qwen: try qwen(&c)
    case .mpt: try mpt(&c)
    case .gptneox: try gptNeoX(&c)
    }
    return c
  }

  /// Keys that Hugging Face gives most decoders.
  private func common(_ c: inout JSONObject) {
    for (key, value) in [
      ("hidden_size", sizes.width), ("intermediate_size", sizes.hidden), ("num_hidden_layers", sizes.layers), ("num_attention_heads", sizes.heads),
      ("num_key_value_heads", sizes.kvHeads), ("head_dim", sizes.head), ("max_position_embeddings", sizes.context),
    ] { c.append(key, .int(value)) }
    c.append("tie_word_embeddings", .bool(!sizes.hasOutput))
  }

  private func epsilon(_ name: String) throws(AviaryError) -> JSONValue { .double(try file.metadata.number(key("attention.\(name)"), in: 0...1)) }

  /// Base and scaling of rotary positions.
  private func rope(_ c: inout JSONObject) throws(AviaryError) {
    let m = file.metadata
    c.append("rope_theta", .double(try m.number(key("rope.freq_base"), default: 10000, in: 1...1e12)))
    var scaling = JSONObject()
    let kind = try m.choice(key("rope.scaling.type"), default: "none", of: [("none", false), ("linear", true)])
    // Older files have the factor alone.
    let factor = try m.number(key(m.has(key("rope.scaling.factor")) ? "rope.scaling.factor" : "rope.scale_linear"), default: 1, in: 0...1e6)
    if factor > 0, factor != 1, kind || m.has(key("rope.scale_linear")) {
      scaling.append("rope_type", .string("linear"))
      scaling.append("factor", .double(factor))
    }
    if let tensor = try file.tensor("rope_freqs.weight") {
      guard scaling.count == 0, tensor.shape == [sizes.head / 2] else {
        throw AviaryError(.weights, "rope_freqs.weight of \(tensor.shape)", wanted: "[\(sizes.head / 2)], without another scaling", at: m.place)
      }
      scaling.append("rope_type", .string("factors"))
      scaling.append("factors", .array(withExtendedLifetime(tensor.pages) { tensor.floats().map { .double(Double($0)) } }))
    }
    if scaling.count > 0 { c.append("rope_scaling", .object(scaling)) }
  }

  private func requireFullRotation() throws(AviaryError) {
    guard sizes.rotary == sizes.head else {
      throw AviaryError(.config, "\(sizes.rotary) of \(sizes.head) dimensions are rotated", wanted: "all", at: "\(file.metadata.place): \(key("rope.dimension_count"))")
    }
  }

  private func llama(_ c: inout JSONObject) throws(AviaryError) {
    common(&c)
    try requireFullRotation()
    c.append("rms_norm_eps", try epsilon("layer_norm_rms_epsilon"))
    try rope(&c)
    // The converter orders the rows of queries and keys so that pairs are neighbours; Qwen2's it leaves.
    if architecture == .llama { c.append("rope_interleaved", .bool(true)) }
    c.append("attention_bias", .bool(try file.tensor("blk.0.attn_q.bias") != nil))
    c.append("attention_output_bias", .bool(try file.tensor("blk.0.attn_output.bias") != nil))
  }

  private func gemma3(_ c: inout JSONObject) throws(AviaryError) {
    common(&c)
    try requireFullRotation()
    let m = file.metadata
    c.append("rms_norm_eps", try epsilon("layer_norm_rms_epsilon"))
    try rope(&c)
    c.append("rope_local_base_freq", .double(try m.number(key("rope.freq_base_swa"), default: 10000, in: 1...1e12)))
    let window = try m.int(key("attention.sliding_window"), default: 0, in: 0...16_777_216)
    c.append("sliding_window", .int(window))
    // Without a window every layer is a global one.
    c.append("sliding_window_pattern", .int(window == 0 ? 1 : try m.int(key("attention.sliding_window_pattern"), default: 6, in: 1...1024)))
    // The 27B model divides by the width per head, the others by the head's own.
    c.append("query_pre_attn_scalar", .double(sizes.layers == 62 ? Double(sizes.width / sizes.heads) : Double(sizes.head)))
    c.append("norm_offset", .int(0))
    if m.has(key("final_logit_softcapping")) { c.append("final_logit_softcapping", .double(try m.number(key("final_logit_softcapping"), in: 0...1e6))) }
  }

  private func qwen(_ c: inout JSONObject) throws(AviaryError) {
    common(&c)
    try requireFullRotation()
    let m = file.metadata
    c.append("kv_channels", .int(sizes.head))
    c.append("layer_norm_epsilon", try epsilon("layer_norm_rms_epsilon"))
    c.append("rotary_emb_base", .double(try m.number(key("rope.freq_base"), default: 10000, in: 1...1e12)))
    for name in ["use_dynamic_ntk", "use_logn_attn"] { c.append(name, .bool(false)) }
  }

  private func mpt(_ c: inout JSONObject) throws(AviaryError) {
    let m = file.metadata
    guard sizes.hidden % sizes.width == 0 else {
      throw AviaryError(.config, "\(sizes.hidden) channels between \(sizes.width)", wanted: "a multiple", at: "\(m.place): \(key("feed_forward_length"))")
    }
    for (key, value) in [
      ("d_model", sizes.width), ("n_heads", sizes.heads), ("n_layers", sizes.layers), ("expansion_ratio", sizes.hidden / sizes.width),
      ("max_seq_len", sizes.context),
    ] { c.append(key, .int(value)) }
    c.append("layer_norm_epsilon", try epsilon("layer_norm_epsilon"))
    c.append("no_bias", .bool(try file.tensor("blk.0.attn_qkv.bias") == nil))
    let clamp = try m.number(key("attention.clamp_kqv"), default: 0, in: 0...1e6)
    guard clamp == 0, try file.tensor("position_embd.weight") == nil else {
      throw AviaryError(.config, "clipped queries or learned positions", wanted: "linear biases alone", at: m.place)
    }
    var attention = JSONObject()
    attention.append("alibi", .bool(true))
    attention.append("alibi_bias_max", .double(try m.number(key("attention.max_alibi_bias"), in: 0.01...1000)))
    attention.append("qk_ln", .bool(try file.tensor("blk.0.attn_q_norm.weight") != nil))
    c.append("attn_config", .object(attention))
  }

  private func gptNeoX(_ c: inout JSONObject) throws(AviaryError) {
    common(&c)
    let m = file.metadata
    c.append("layer_norm_eps", try epsilon("layer_norm_epsilon"))
    c.append("rotary_emb_base", .double(try m.number(key("rope.freq_base"), default: 10000, in: 1...1e12)))
    // A little more than the exact share, which a product of doubles might miss from below.
    c.append("rotary_pct", .double(min(1, (Double(sizes.rotary) + 0.25) / Double(sizes.head))))
    c.append("use_parallel_residual", .bool(try m.bool(key("use_parallel_residual"), default: true)))
    c.append("joins_projections", .bool(true))
    c.append("attention_bias", .bool(try file.tensor("blk.0.attn_qkv.bias") != nil))
  }
}

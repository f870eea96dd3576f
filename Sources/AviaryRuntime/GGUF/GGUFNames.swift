import AviaryCore

/// Names of a GGUF file's tensors (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md) in the words of those who
/// published the model.
enum GGUFNames {
  /// Beginnings of names: outside of blocks, of a block, and within it; the file's first, then the published.
  struct Dialect {
    var outer: [(String, String)]
    var block: (String, String)
    var inner: [(String, String)]

    /// All pairs for that many blocks.
    func pairs(layers: Int) -> [(stored: String, published: String)] {
      outer + (0..<layers).flatMap { index in inner.map { ("\(block.0)\(index).\($0.0)", "\(block.1)\(index).\($0.1)") } }
    }
  }

  private static let outer = [("token_embd.", "model.embed_tokens."), ("output_norm.", "model.norm."), ("output.", "lm_head.")]

  private static let llama = [
    ("attn_norm.", "input_layernorm."), ("attn_q.", "self_attn.q_proj."), ("attn_k.", "self_attn.k_proj."), ("attn_v.", "self_attn.v_proj."),
    ("attn_output.", "self_attn.o_proj."), ("ffn_gate.", "mlp.gate_proj."), ("ffn_up.", "mlp.up_proj."), ("ffn_down.", "mlp.down_proj."),
  ]

  private static func dialect(_ architecture: GGUFArchitecture) -> Dialect {
    switch architecture {
    case .llama, .qwen2: Dialect(outer: outer, block: ("blk.", "model.layers."), inner: llama + [("ffn_norm.", "post_attention_layernorm.")])
    case .gemma3:
      Dialect(
        outer: outer, block: ("blk.", "model.layers."),
        inner: llama + [
          ("attn_q_norm.", "self_attn.q_norm."), ("attn_k_norm.", "self_attn.k_norm."), ("post_attention_norm.", "post_attention_layernorm."),
          ("ffn_norm.", "pre_feedforward_layernorm."), ("post_ffw_norm.", "post_feedforward_layernorm."),
        ])
    case .qwen:
      Dialect(
        outer: [("token_embd.", "transformer.wte."), ("output_norm.", "transformer.ln_f."), ("output.", "lm_head.")], block: ("blk.", "transformer.h."),
        inner: [
          ("attn_norm.", "ln_1."), ("attn_qkv.", "attn.c_attn."), ("attn_output.", "attn.c_proj."), ("ffn_norm.", "ln_2."), ("ffn_gate.", "mlp.w2."),
          ("ffn_up.", "mlp.w1."), ("ffn_down.", "mlp.c_proj."),
        ])
    case .mpt:
      Dialect(
        outer: [("token_embd.", "transformer.wte."), ("output_norm.", "transformer.norm_f.")], block: ("blk.", "transformer.blocks."),
        inner: [
          ("attn_norm.", "norm_1."), ("attn_qkv.", "attn.Wqkv."), ("attn_output.", "attn.out_proj."), ("attn_q_norm.", "attn.q_ln."),
          ("attn_k_norm.", "attn.k_ln."), ("ffn_norm.", "norm_2."), ("ffn_up.", "ffn.up_proj."), ("ffn_down.", "ffn.down_proj."),
        ])
    case .gptneox:
      Dialect(
        outer: [("token_embd.", "gpt_neox.embed_in."), ("output_norm.", "gpt_neox.final_layer_norm."), ("output.", "embed_out.")],
        block: ("blk.", "gpt_neox.layers."),
        inner: [
          ("attn_norm.", "input_layernorm."), ("attn_qkv.", "attention.query_key_value."), ("attn_output.", "attention.dense."),
          ("ffn_norm.", "post_attention_layernorm."), ("ffn_up.", "mlp.dense_h_to_4h."), ("ffn_down.", "mlp.dense_4h_to_h."),
        ])
    }
  }

  private static let tower = Dialect(
    outer: [
      ("v.class_embd", "vision_model.embeddings.class_embedding"), ("v.patch_embd.", "vision_model.embeddings.patch_embedding."),
      ("v.position_embd.", "vision_model.embeddings.position_embedding."), ("v.pre_ln.", "vision_model.pre_layrnorm."),
      ("v.post_ln.", "vision_model.post_layernorm."),
    ], block: ("v.blk.", "vision_model.encoder.layers."),
    inner: [
      ("attn_q.", "self_attn.q_proj."), ("attn_k.", "self_attn.k_proj."), ("attn_v.", "self_attn.v_proj."), ("attn_out.", "self_attn.out_proj."),
      ("ln1.", "layer_norm1."), ("ln2.", "layer_norm2."), ("ffn_up.", "mlp.fc1."), ("ffn_down.", "mlp.fc2."),
    ])

  // MARK: Reading

  static func map(_ architecture: GGUFArchitecture, layers: Int) -> NameMap {
    // Factors of rotary frequencies are part of the configuration; MPT's head is tied.
    let unused: [NameMap.Rule] = [.ignorePrefix("rope_freqs.")] + (architecture == .mpt ? [.ignorePrefix("output.")] : [])
    return NameMap(unused + rules(dialect(architecture), layers))
  }

  /// A CLIP tower's tensors in a projector file, as Hugging Face names them.
  ///
  /// - Parameter swapped: older files call the matrix that leads up `ffn_down`.
  static func tower(layers: Int, swapped: Bool) -> NameMap {
    var dialect = tower
    if swapped { dialect.inner = dialect.inner.map { $0.0 == "ffn_up." ? ("ffn_down.", $0.1) : $0.0 == "ffn_down." ? ("ffn_up.", $0.1) : $0 } }
    return NameMap(rules(dialect, layers) + [.ignorePrefix("mm."), .ignoreSuffix("image_newline")])
  }

  /// The projector's tensors, as the original layout of LLaVA names them.
  static let projector = NameMap([
    .prefix("mm.", "model.mm_projector."), .exact("model.image_newline", "model.image_newline"), .exact("v.image_newline", "model.image_newline"),
    .ignorePrefix("v."),
  ])

  private static func rules(_ dialect: Dialect, _ layers: Int) -> [NameMap.Rule] {
    dialect.pairs(layers: layers).map { .prefix($0.stored, $0.published) }
  }

  // MARK: Writing

  /// Published and stored names of all tensors that a file may have.
  static func published(_ architecture: GGUFArchitecture, layers: Int) -> [(published: String, stored: String)] {
    whole(dialect(architecture).pairs(layers: layers))
  }

  static func publishedTower(layers: Int) -> [(published: String, stored: String)] { whole(tower.pairs(layers: layers)) }

  private static func whole(_ pairs: [(stored: String, published: String)]) -> [(published: String, stored: String)] {
    pairs.flatMap { stored, published in
      stored.hasSuffix(".") ? ["weight", "bias"].map { (published + $0, stored + $0) } : [(published, stored)]
    }
  }
}

import AviaryCore
import AviaryParts
import AviaryTensor
import CoreTestSupport
import Testing

struct LlamaConfigTests {
  @Test func defaultsAreHuggingFaces() throws {
    let llama = try LlamaConfig(config("{}"))
    #expect((llama.hiddenSize, llama.intermediateSize, llama.layers) == (4096, 11008, 32))
    #expect((llama.heads, llama.kvHeads, llama.headDim) == (32, 32, 128))
    #expect((llama.vocabularySize, llama.contextLength) == (32000, 2048))
    #expect((llama.epsilon, llama.ropeTheta, llama.ropeScaling) == (1e-6, 10000, 1))
    #expect((llama.window, llama.attentionBias, llama.tiesEmbeddings) == (0, false, false))
    #expect(llama.activation == .silu)
    let mistral = try LlamaConfig(config(#"{"model_type": "mistral"}"#))
    #expect((mistral.intermediateSize, mistral.kvHeads, mistral.window, mistral.contextLength) == (14336, 8, 4096, 131_072))
  }

  @Test func nullMeansNone() throws {
    #expect(try LlamaConfig(config(#"{"model_type": "mistral", "sliding_window": null}"#)).window == 0)
    #expect(try LlamaConfig(config(#"{"model_type": "mistral", "num_key_value_heads": null}"#)).kvHeads == 32)
    #expect(try LlamaConfig(config(#"{"num_key_value_heads": null, "num_attention_heads": 16}"#)).kvHeads == 16)
    #expect(try LlamaConfig(config(#"{"sliding_window": 100}"#)).window == 0)  // Llama has none
    #expect(try LlamaConfig(config(#"{"head_dim": null}"#)).headDim == 128)
  }

  @Test(arguments: [
    (#"{"rope_theta": 5e6}"#, 5e6, 1.0), (#"{"rope_parameters": {"rope_theta": 1e6, "rope_type": "default"}}"#, 1e6, 1),
    (#"{"rope_theta": 100, "rope_scaling": null}"#, 100, 1), (#"{"rope_scaling": {"type": "linear", "factor": 2.0}}"#, 10000, 2),
    (#"{"rope_scaling": {"rope_type": "linear", "factor": 4, "rope_theta": 7}}"#, 7, 4), (#"{"rope_theta": 3, "rope_parameters": {"rope_theta": 9}}"#, 9, 1),
  ]) func rotaryBasesStandInThreePlaces(text: String, theta: Double, scaling: Double) throws {
    let c = try LlamaConfig(config(text))
    #expect((c.ropeTheta, c.ropeScaling) == (theta, scaling))
  }

  static let hostile: [(String, [String])] = [
    (#"{"num_hidden_layers": -1}"#, ["config.json: num_hidden_layers", "-1", "1...1024"]),
    (#"{"num_hidden_layers": 0}"#, ["num_hidden_layers", "0", "1...1024"]),
    (#"{"num_hidden_layers": 2147483648}"#, ["num_hidden_layers", "2147483648"]),
    (#"{"hidden_size": "4096"}"#, ["config.json: hidden_size", #"the string "4096""#]),
    (#"{"hidden_size": 100, "num_attention_heads": 3}"#, ["hidden_size 100", "num_attention_heads 3"]),
    (#"{"num_attention_heads": 0}"#, ["num_attention_heads", "0", "1...1024"]),
    (#"{"num_key_value_heads": 0}"#, ["num_key_value_heads", "0", "1...1024"]),
    (#"{"num_attention_heads": 32, "num_key_value_heads": 5}"#, ["num_attention_heads 32", "num_key_value_heads 5"]),
    (#"{"num_key_value_heads": 64}"#, ["num_attention_heads 32", "num_key_value_heads 64"]),
    (#"{"head_dim": 63}"#, ["a head size of 63", "even"]),
    (#"{"head_dim": 0}"#, ["head_dim", "0", "1...4096"]),
    (#"{"hidden_size": 96, "num_attention_heads": 32}"#, ["a head size of 3", "even"]),
    (#"{"max_position_embeddings": 1099511627776}"#, ["max_position_embeddings", "1099511627776", "16777216"]),
    (#"{"vocab_size": 99999999999999999999}"#, ["vocab_size", "1e+20"]),
    (#"{"rms_norm_eps": "1e-5"}"#, ["rms_norm_eps", #"the string "1e-5""#]),
    (#"{"rms_norm_eps": -1}"#, ["rms_norm_eps", "-1"]),
    (#"{"hidden_act": "mish"}"#, ["hidden_act", "mish", "one of gelu"]),
    (#"{"rope_scaling": {"type": "yarn", "factor": 2}}"#, ["rope type yarn", "default or linear", "config.json: rope_scaling"]),
    (#"{"rope_scaling": {"rope_type": "llama3"}}"#, ["rope type llama3"]),
    (#"{"rope_scaling": {"type": "linear"}}"#, ["config.json: rope_scaling.factor", "no such key"]),
    (#"{"rope_scaling": {"type": "linear", "factor": 0}}"#, ["rope_scaling.factor", "0"]),
    (#"{"rope_theta": 0}"#, ["rope_theta", "0"]),
    (#"{"rope_scaling": 2}"#, ["config.json: rope_scaling", "an object"]),
    (#"{"attention_bias": "no"}"#, ["attention_bias", "true or false"]),
    (#"{"model_type": "mistral", "sliding_window": -4}"#, ["sliding_window", "-4"]),
  ]

  @Test(arguments: hostile.indices) func whatCannotBeRightIsNamed(_ index: Int) throws {
    let (text, parts) = Self.hostile[index]
    let c = try config(text)
    do {
      _ = try LlamaConfig(c)
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  /// A checkpoint of exactly the tensors that a configuration asks for.
  static func load(_ text: String, _ source: MemoryWeights) throws {
    let c = try LlamaConfig(config(text))
    _ = try Weights.load(.checkpoint(source, NameMap()), on: Reference()) { (w) throws(AviaryError) in try Llama(w, c) }
  }

  static func checkpoint(_ extra: [(String, Shape)]) throws -> MemoryWeights {
    var source = MemoryWeights()
    let layer = "model.layers.0."
    let shapes: [(String, Shape)] = [
      ("model.embed_tokens.weight", [5, 4]), ("model.norm.weight", [4]), (layer + "input_layernorm.weight", [4]), (layer + "post_attention_layernorm.weight", [4]),
      (layer + "self_attn.q_proj.weight", [4, 4]), (layer + "self_attn.k_proj.weight", [2, 4]), (layer + "self_attn.v_proj.weight", [2, 4]),
      (layer + "self_attn.o_proj.weight", [4, 4]), (layer + "mlp.gate_proj.weight", [6, 4]), (layer + "mlp.up_proj.weight", [6, 4]), (layer + "mlp.down_proj.weight", [4, 6]),
    ]
    for (name, shape) in shapes + extra { try source.add(name, shape, [Float](repeating: 0.5, count: shape.elements)) }
    return source
  }

  static let tiny = #""hidden_size": 4, "intermediate_size": 6, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 5"#

  @Test func tiedEmbeddingsNeedNoHeadAndAllowOne() throws {
    try Self.load("{\(Self.tiny), \"tie_word_embeddings\": true}", Self.checkpoint([]))
    try Self.load("{\(Self.tiny), \"tie_word_embeddings\": true}", Self.checkpoint([("lm_head.weight", [5, 4])]))
    expectError(.weights, "lm_head.weight: missing, wanted [5, 4]") { try Self.load("{\(Self.tiny)}", Self.checkpoint([])) }
  }

  /// `attention_bias` of LlamaConfig is for all four projections.
  @Test func attentionBiasIsForAllFour() throws {
    let attention = "model.layers.0.self_attn."
    let biases: [(String, Shape)] = [("q_proj", [4]), ("k_proj", [2]), ("v_proj", [2]), ("o_proj", [4])].map { (attention + $0.0 + ".bias", $0.1) }
    try Self.load("{\(Self.tiny), \"attention_bias\": true}", Self.checkpoint([("lm_head.weight", [5, 4])] + biases))
    expectError(.weights, "o_proj.bias: missing") {
      try Self.load("{\(Self.tiny), \"attention_bias\": true}", Self.checkpoint([("lm_head.weight", [5, 4])] + biases.dropLast()))
    }
  }

  @Test func anotherVocabularyThanTheTablesIsNamed() throws {
    expectError(.weights, "model.embed_tokens.weight: [5, 4], wanted [7, 4]", "lm_head.weight: [5, 4], wanted [7, 4]") {
      try Self.load("{\(Self.tiny.replacing(#""vocab_size": 5"#, with: #""vocab_size": 7"#))}", Self.checkpoint([("lm_head.weight", [5, 4])]))
    }
  }
}

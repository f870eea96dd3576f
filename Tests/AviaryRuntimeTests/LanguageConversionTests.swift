import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Language models of every architecture that is written as GGUF: random checkpoints, converted, and asked before and after.
struct LanguageConversionTests {
  static let models: [(name: String, config: String)] = [
    ("llama", #"{"model_type": "llama", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "rope_theta": 5e5, \#(sizes)}"#),
    ("mistral", #"{"model_type": "mistral", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "head_dim": 16, "num_key_value_heads": 2, \#(sizes)}"#),
    ("qwen2", #"{"model_type": "qwen2", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, \#(sizes)}"#),
    ("qwen2, tied", #"{"model_type": "qwen2", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "tie_word_embeddings": true, \#(sizes)}"#),
    ("qwen", #"{"model_type": "qwen", "hidden_size": 32, "intermediate_size": 96, "num_attention_heads": 4, "kv_channels": 8, "seq_length": 64, \#(sizes)}"#),
    ("mpt", #"{"model_type": "mpt", "d_model": 24, "n_heads": 3, "n_layers": 2, "vocab_size": 320, "max_seq_len": 64}"#),
    (
      "mpt, with everything",
      #"{"model_type": "mpt", "d_model": 32, "n_heads": 4, "n_layers": 2, "vocab_size": 320, "max_seq_len": 64, "expansion_ratio": 2, "no_bias": false, "attn_config": {"qk_ln": true, "alibi_bias_max": 4}}"#
    ),
    ("gptneox", #"{"model_type": "gpt_neox", "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "rotary_pct": 0.5, \#(sizes)}"#),
    (
      "gptneox, one line after the other",
      #"{"model_type": "gpt_neox", "hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 2, "use_parallel_residual": false, "attention_bias": false, "rotary_emb_base": 5000, \#(sizes)}"#
    ),
    (
      "gemma3",
      #"{"model_type": "gemma3_text", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 8, "sliding_window_pattern": 2, \#(sizes)}"#
    ),
  ]
  private static let sizes = #""num_hidden_layers": 2, "vocab_size": 320, "max_position_embeddings": 64"#

  /// What a model answers to a text, greedily, and what it thinks of the text's next token.
  private static func answer(_ path: String) async throws -> (prompt: [Int32], answer: [Int32], logits: [Float]) {
    let model = try ModelUnderTest(path)
    var request = GenerationRequest(.raw("The quick brown fox"))
    request.maxTokens = 12
    var result = GenerationResult()
    for try await event in model.engine.generate(request) { if case .finished(let last) = event { result = last } }
    let prompt = TokenizedPrompt(parts: [.tokens(result.inputIDs)], inputIDs: result.inputIDs, text: result.prompt)
    return (result.inputIDs, result.generatedIDs, try TokenSequence(model.engine.loaded, capacity: 64).prefill(prompt, []).logits)
  }

  @Test(arguments: models.indices, [DType.f32, .f16]) func theAnswerStaysTheSame(_ index: Int, _ dtype: DType) async throws {
    let (name, config) = Self.models[index]
    let temporary = try TemporaryFolder()
    var checkpoint = RandomCheckpoint(["config.json": config])
    checkpoint.dtype = dtype
    try checkpoint.write(to: "\(temporary.path)/model")
    var conversion = Conversion(try ModelUnderTest.loader())
    conversion.weights = dtype
    let path = "\(temporary.path)/out.gguf"
    #expect(try conversion.run("\(temporary.path)/model", to: path) == [path])
    let (before, after) = (try await Self.answer("\(temporary.path)/model"), try await Self.answer(path))
    #expect(before.prompt == after.prompt && before.prompt.count > 10)
    #expect(before.answer == after.answer && before.answer.count == 12, "\(name)")
    // Single norms and biases are f32 in the file, f16 in the folder: the same numbers.
    let largest = before.logits.map(abs).max() ?? 0
    let worst = zip(before.logits, after.logits).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst <= 1e-4 * largest, "\(name): \(worst) of \(largest)")
    let architecture = String(name.prefix { $0 != "," }).replacing("mistral", with: "llama")
    #expect(try GGUFFile(path: path).metadata.string("general.architecture") == architecture)
  }

  @Test(arguments: [
    (#"{"model_type": "mpt", "d_model": 24, "n_heads": 3, "n_layers": 1, "vocab_size": 320, "attn_config": {"softmax_scale": 0.5}}"#, "a softmax_scale"),
    (
      #"{"model_type": "gemma3_text", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "head_dim": 16, "query_pre_attn_scalar": 8, \#(sizes)}"#,
      "query_pre_attn_scalar 8"
    ),
    (
      #"{"model_type": "gemma3_text", "hidden_size": 32, "intermediate_size": 48, "num_attention_heads": 4, "head_dim": 16, "query_pre_attn_scalar": 16, "layer_types": ["full_attention", "sliding_attention"], \#(sizes)}"#,
      "global layers [0]"
    ),
    (#"{"model_type": "gpt_neox", "hidden_size": 32, "num_attention_heads": 4, "rotary_pct": 0.5, "hidden_act": "relu", \#(sizes)}"#, "the activation relu"),
  ])
  func whatAFileCannotSayIsRefused(_ config: String, _ found: String) throws {
    let temporary = try TemporaryFolder()
    try RandomCheckpoint(["config.json": config]).write(to: "\(temporary.path)/model")
    expectError(.request, found, "what a GGUF file can say") { _ = try Conversion(try ModelUnderTest.loader()).run("\(temporary.path)/model", to: "\(temporary.path)/out.gguf") }
    #expect(!FileManager.default.fileExists(atPath: "\(temporary.path)/out.gguf"))
  }
}

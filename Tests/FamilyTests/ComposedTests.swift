import Architectures
import AviaryCore
import AviaryFormats
import AviaryParts
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// Models that a configuration alone puts together, and LLaVA in front of other decoders. Nobody published such checkpoints,
/// so each part is held to the families that have recorded runs.
struct ComposedTests {
  static let encoders = [
    #"{"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 28, "patch_size": 7}"#,
    #"{"model_type": "open_clip_vit", "width": 32, "layers": 2, "heads": 2, "image_size": 28, "patch_size": 7}"#,
    #"{"model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 7}"#,
    #"{"model_type": "sam_vision_model", "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "patch_size": 16, "window_size": 3, "global_attn_indexes": [1], "output_channels": 16}"#,
  ]
  static let adapters = [
    (#"{"type": "linear"}"#, 16), (#"{"type": "mlp"}"#, 16), (#"{"type": "resampler", "queries": 9}"#, 9),
    (#"{"type": "perceiver", "queries": 5, "depth": 2, "heads": 2, "head_dim": 8}"#, 5),
  ]
  static let decoders = [
    #"{"model_type": "llama", "hidden_size": 128, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300}"#,
    #"{"model_type": "qwen", "hidden_size": 128, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "kv_channels": 32, "vocab_size": 300, "seq_length": 8, "max_position_embeddings": 64}"#,
    #"{"model_type": "mpt", "d_model": 128, "n_heads": 4, "n_layers": 2, "vocab_size": 300, "max_seq_len": 64}"#,
    #"{"model_type": "gpt_neox", "hidden_size": 128, "intermediate_size": 192, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 300, "rotary_pct": 1.0}"#,
  ]

  static func folder(_ encoder: String, _ adapter: String, _ decoder: String) -> MemoryFolder {
    MemoryFolder("m", ["config.json": #"{"model_type": "composed", "encoder": \#(encoder), "adapter": \#(adapter), "language_model": \#(decoder)}"#])
  }

  /// A model of random numbers in front of a tokenizer of bytes.
  static func random<A: Architecture>(_ family: A.Type, _ folder: MemoryFolder) throws -> LoadedModel {
    let backend = try Backends().open("cpu", BackendOptions())
    let config = try family.config(folder)
    let (model, weights) = try Weights.load(.random(.f32, seed: 3), on: backend) { (w) throws(AviaryError) in try family.model(config, w) }
    return LoadedModel(
      architecture: family.id, model: model, weights: weights, processor: try family.processor(config, folder), backend: backend, name: folder.name)
  }

  static func picture(_ seed: Int) -> ImageInput { TinyModel.picture(seed, width: 40, height: 30) }

  /// Rows of the pictures and logits of all positions.
  static func run(_ loaded: LoadedModel, _ prompt: String, _ images: [ImageInput]) throws -> (prompt: TokenizedPrompt, rows: [[Float]], logits: [Float]) {
    let prepared = try Generator(loaded, features: FeatureCache()).prepare(GenerationRequest(.raw(prompt), images: images))
    let sequence = try TokenSequence(loaded, capacity: prepared.prompt.count + 4)
    let rows = try prepared.images.map { try sequence.perceive($0).rows }
    let media = rows.enumerated().map { PerceivedMedia(key: "\($0.offset)", rows: $0.element) }
    return (prepared.prompt, rows, try sequence.prefill(prepared.prompt, media, allLogits: true).allLogits)
  }

  /// Every encoder, every adapter, every decoder: the declared rows are those that come, and pictures matter.
  @Test func everyCombinationRuns() throws {
    for (e, encoder) in Self.encoders.enumerated() {
      for (a, (adapter, tokens)) in Self.adapters.enumerated() where e == a || e == 0 {
        let decoder = Self.decoders[(e + a) % Self.decoders.count]
        let loaded = try Self.random(Composed.self, Self.folder(encoder, adapter, decoder))
        let one = try Self.run(loaded, "ab<image>cd<image>", [Self.picture(1), Self.picture(2)])
        #expect(
          one.prompt.parts.map { if case .image(let index, let count) = $0 { "\(index):\(count)" } else { "t" } } == ["t", "0:\(tokens)", "t", "1:\(tokens)"])
        #expect(one.rows.map(\.count) == [tokens * 128, tokens * 128])
        #expect(one.logits.count == one.prompt.count * 300)
        #expect(one.logits.filter(\.isFinite).count == one.logits.count)
        let other = try Self.run(loaded, "ab<image>cd<image>", [Self.picture(1), Self.picture(3)])
        #expect(other.rows[0] == one.rows[0])
        #expect(other.rows[1] != one.rows[1])
        // What stands in front of the second picture does not know it.
        let before = (one.prompt.count - tokens) * 300
        #expect(Array(other.logits[..<before]) == Array(one.logits[..<before]))
        #expect(other.logits.suffix(300) != one.logits.suffix(300))
      }
    }
  }

  /// Only declared tensors are asked for, and their shapes are those of the configuration.
  @Test func theResamplerAndMPTAreThoseOfTheirFamilies() throws {
    let loaded = try Self.random(Composed.self, Self.folder(Self.encoders[0], Self.adapters[2].0, Self.decoders[2]))
    let names = Set(loaded.weights.names)
    for name in [
      "encoder.embeddings.class_embedding", "encoder.encoder.layers.1.mlp.fc1.weight", "adapter.attn_pool.query", "adapter.attn_pool.kv_proj.weight",
      "adapter.proj", "language_model.transformer.wte.weight", "language_model.transformer.blocks.1.ffn.up_proj.weight",
    ] { #expect(names.contains(name), "\(name)") }
    // Layers behind the features are never asked for.
    #expect(!names.contains { $0.hasPrefix("encoder.encoder.layers.2.") })
  }

  @Test(arguments: [
    (#"{"model_type": "composed"}"#, "encoder, adapter and language_model"),
    (#"{"encoder": {"model_type": "resnet"}, "adapter": {"type": "mlp"}, "language_model": {"model_type": "mpt"}}"#, "clip_vision_model, open_clip_vit"),
    (#"{"encoder": {"model_type": "clip_vision_model"}, "adapter": {"type": "abstractor"}, "language_model": {"model_type": "mpt"}}"#, "linear, mlp, resampler"),
    (#"{"encoder": {"model_type": "clip_vision_model"}, "adapter": {"type": "mlp"}, "language_model": {"model_type": "opt"}}"#, "gpt_neox"),
    (#"{"encoder": {"model_type": "clip_vision_model", "feature_layer": 13}, "adapter": {"type": "mlp"}, "language_model": {"model_type": "mpt"}}"#, "feature layer 13"),
    (#"{"encoder": {"model_type": "clip_vision_model"}, "adapter": {"type": "resampler", "queries": 8}, "language_model": {"model_type": "mpt"}}"#, "8 queries"),
  ])
  func whatCannotBeRightIsNamed(_ text: String, _ named: String) {
    expectError(.config, named) { _ = try Composed.config(MemoryFolder("m", ["config.json": text])) }
  }

  @Test func partsThatDoNotGoTogetherAreNamed() {
    let narrow = Self.decoders[2].replacing("\"d_model\": 128", with: "\"d_model\": 96")
    expectError(.config, "a resampler of 96 channels") { _ = try Self.random(Composed.self, Self.folder(Self.encoders[0], Self.adapters[2].0, narrow)) }
    let whole = Self.encoders[0].replacing("\"patch_size\": 7", with: "\"patch_size\": 7, \"keeps_class_token\": true")
    expectError(.config, "a class token in front") { _ = try Self.random(Composed.self, Self.folder(whole, Self.adapters[2].0, Self.decoders[2])) }
  }
}

/// LLaVA's encoder and projector in front of decoders that are no Llama.
struct LLaVADecoderTests {
  static let vision =
    #""vision_config": {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 7}"#

  static func huggingFace(_ text: String) -> MemoryFolder {
    MemoryFolder("hf", ["config.json": #"{"model_type": "llava", "image_token_index": 3, \#(vision), "text_config": \#(text)}"#])
  }

  @Test(arguments: ComposedTests.decoders) func anyDecoderStandsBehindTheProjector(_ text: String) throws {
    let loaded = try ComposedTests.random(LLaVA.self, Self.huggingFace(text))
    let one = try ComposedTests.run(loaded, "ab<image>c", [ComposedTests.picture(1)])
    #expect(one.rows.map(\.count) == [16 * 128])
    #expect(one.prompt.count == 1 + 2 + 16 + 1)
    #expect(one.logits.count == one.prompt.count * 300)
    let other = try ComposedTests.run(loaded, "ab<image>c", [ComposedTests.picture(2)])
    #expect(Array(one.logits[..<900]) == Array(other.logits[..<900]))
    #expect(one.logits.suffix(300) != other.logits.suffix(300))
  }

  /// The original code's LlavaMPT keeps the projector and the tower below `transformer.`.
  @Test func theOriginalLayoutsMPTIsRead() throws {
    let tower = MemoryFolder("tower", ["config.json": "{\(Self.vision)}"])
    let keys = #""mm_vision_tower": "tower", "mm_projector_type": "linear", "d_model": 128, "n_heads": 4, "n_layers": 1, "vocab_size": 300"#
    var source = MemoryWeights()
    try source.add("transformer.mm_projector.weight", [1], [0])
    let folder = MemoryFolder("o", ["config.json": #"{"model_type": "llava_mpt", \#(keys)}"#], parts: ["tower": tower], source: source)
    let c = try LLaVA.config(folder)
    guard case .mpt(let sizes) = c.text else {
      Issue.record("read as \(c.text)")
      return
    }
    #expect((sizes.hiddenSize, sizes.layers, sizes.vocabularySize) == (128, 1, 300))
    var whole = folder
    whole.parts["tower"]?.source = MemoryWeights()
    let (_, names) = try LLaVA.weights(c, whole)
    for (stored, own) in [
      ("transformer.mm_projector.weight", "multi_modal_projector.weight"), ("transformer.wte.weight", "language_model.transformer.wte.weight"),
      ("transformer.blocks.0.attn.Wqkv.weight", "language_model.transformer.blocks.0.attn.Wqkv.weight"),
      ("transformer.vision_tower.vision_tower.vision_model.embeddings.class_embedding", "vision_tower.vision_model.embeddings.class_embedding"),
    ] { #expect(names.canonical(stored) == own) }
    #expect(try ComposedTests.random(LLaVA.self, folder).weights.names.contains("language_model.transformer.wte.weight"))
  }

  /// Qwen-VL's own decoder, taken out of its recorded checkpoint and put behind LLaVA's projector, computes what was recorded.
  @Test(.enabled(if: Golden.has("qwen-vl-chat-text"))) func qwenBehindLLaVAComputesWhatWasRecorded() throws {
    let golden = try #require(Golden.find("qwen-vl-chat-text"))
    let stored = try Checkpoint.open(golden + "/model")
    let text = try JSONParser.parse(file: golden + "/model/config.json")
    let folder = Self.huggingFace(JSONWriter.text(text))
    let config = try LLaVA.config(folder)

    // The eyes are random; their names and shapes are those of a random model.
    let backend = try Backends().open("cpu", BackendOptions())
    let (_, drawn) = try Weights.load(.random(.f32, seed: 3), on: backend) { (w) throws(AviaryError) in try LLaVA.model(config, w) }
    var source = MemoryWeights()
    for (name, weight) in zip(drawn.names, drawn.shapes.all) where !name.hasPrefix("language_model.") {
      try source.add(name, weight.shape, [Float](repeating: 0.01, count: weight.shape.elements))
    }
    for name in stored.names where !name.hasPrefix("transformer.visual.") {
      guard let tensor = try stored.tensor(name) else { continue }
      try source.add("language_model." + name, tensor.shape, tensor.floats())
    }
    var whole = folder
    whole.source = source
    let (weights, names) = try LLaVA.weights(config, whole)
    let (model, loaded) = try Weights.load(.checkpoint(weights, names), on: backend) { (w) throws(AviaryError) in try LLaVA.model(config, w) }

    let record = try GoldenCase(golden)
    let ids = try #require(try record.recordedIDs())
    let sequence = try TokenSequence(
      LoadedModel(architecture: "llava", model: model, weights: loaded, processor: nil, backend: backend, name: "m"), capacity: ids.count + 1)
    let prompt = TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: "")
    let logits = try sequence.prefill(prompt, [], allLogits: true).allLogits
    let expected = try #require(try SafetensorsFile(path: golden + "/expected.safetensors").tensor("logits")).floats()
    #expect(logits.count == expected.count)
    let (difference, norm) = zip(logits, expected).reduce((Float(0), Float(0))) { ($0.0 + ($1.0 - $1.1) * ($1.0 - $1.1), $0.1 + $1.1 * $1.1) }
    #expect((difference / norm).squareRoot() < 1e-5)
  }
}

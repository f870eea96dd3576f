import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// GGUF files as models: hostile metadata by the names of group A, from 28 on.
@Suite struct GGUFModelTests {
  /// A Llama of one block, four channels wide, with eight byte-level tokens or so.
  static let llama: GGUFBuilder = {
    var b = GGUFBuilder()
    b.values = [
      ("general.architecture", .string("llama")), ("llama.block_count", .u32(1)), ("llama.context_length", .u32(64)), ("llama.embedding_length", .u32(4)),
      ("llama.feed_forward_length", .u32(6)), ("llama.attention.head_count", .u32(2)), ("llama.attention.head_count_kv", .u32(1)),
      ("llama.attention.layer_norm_rms_epsilon", .f32(1e-5)), ("llama.rope.dimension_count", .u32(2)), ("tokenizer.ggml.model", .string("llama")),
      ("tokenizer.ggml.tokens", .strings(["<unk>", "<s>", "</s>", "a", "b", "ab", "\u{2581}", "\u{2581}ab"])),
      ("tokenizer.ggml.scores", .floats([0, 0, 0, -1, -2, -3, -4, -5])), ("tokenizer.ggml.token_type", .ints([2, 3, 3, 1, 1, 1, 1, 1])),
      ("tokenizer.ggml.bos_token_id", .u32(1)), ("tokenizer.ggml.eos_token_id", .u32(2)),
    ]
    func tensor(_ name: String, _ dims: [UInt64]) -> GGUFBuilder.Tensor {
      let count = Int(dims.reduce(1, *))
      let numbers = (0..<count).map { Float((($0 * 7 + name.utf8.count * 5) % 11) - 5) / 8 }
      return .init(name, dims, data: numbers.flatMap { value in withUnsafeBytes(of: value) { Array($0) } })
    }
    b.tensors = [
      tensor("token_embd.weight", [4, 8]), tensor("output_norm.weight", [4]), tensor("output.weight", [4, 8]), tensor("blk.0.attn_norm.weight", [4]),
      tensor("blk.0.attn_q.weight", [4, 4]), tensor("blk.0.attn_k.weight", [4, 2]), tensor("blk.0.attn_v.weight", [4, 2]),
      tensor("blk.0.attn_output.weight", [4, 4]), tensor("blk.0.ffn_norm.weight", [4]), tensor("blk.0.ffn_gate.weight", [4, 6]),
      tensor("blk.0.ffn_up.weight", [4, 6]), tensor("blk.0.ffn_down.weight", [6, 4]),
    ]
    return b
  }()

  static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  static func load(_ builder: GGUFBuilder) throws -> LoadedModel {
    let folder = try TemporaryFolder()
    return try loader.load(folder.write("m.gguf", builder.bytes()), on: Reference())
  }

  @Test func aSmallLlamaRuns() async throws {
    let model = try Self.load(Self.llama)
    #expect(model.architecture == "llama")
    #expect(model.model.language.contextLength == 64)
    let tokenizer = try #require(model.processor?.tokenizer)
    #expect(try tokenizer.encode("ab", addSpecial: true) == [1, 7])
    #expect(try tokenizer.encode("<s>ab", addSpecial: false) == [1, 7])
    #expect(try tokenizer.encode(MarkedText(untrusted: "<s>"), addSpecial: false).contains(1) == false)
    #expect(tokenizer.decode([7, 3], skipSpecial: true) == "aba")
    #expect(model.processor?.stop.ids == [2])
  }

  /// Key, value, and what the error names.
  static let hostile: [(name: String, key: String, value: GGUFBuilder.Value?, parts: [String])] = [
    ("noArchitecture", "general.architecture", nil, ["general.architecture"]),
    ("otherArchitecture", "general.architecture", .string("mamba"), ["mamba", "llama, qwen"]),
    ("typesShort", "tokenizer.ggml.token_type", .ints([2, 3]), ["2 types for 8 tokens"]),
    ("scoresShort", "tokenizer.ggml.scores", .floats([0]), ["1 scores for 8 tokens"]),
    ("scoreNaN", "tokenizer.ggml.scores", .floats([0, 0, 0, .nan, 0, 0, 0, 0]), ["the score nan"]),
    ("typeOdd", "tokenizer.ggml.token_type", .ints([2, 3, 3, 1, 1, 1, 1, 9]), ["the token type 9"]),
    ("byteToken", "tokenizer.ggml.token_type", .ints([2, 3, 3, 6, 1, 1, 1, 1]), ["<0x0A>"]),
    ("noTokens", "tokenizer.ggml.tokens", nil, ["tokenizer.ggml.tokens"]),
    ("tokensTwice", "tokenizer.ggml.tokens", .strings(["<unk>", "<s>", "</s>", "a", "b", "a", "c", "d"]), ["stands twice"]),
    ("bosOutOfRange", "tokenizer.ggml.bos_token_id", .u32(8), ["tokenizer.ggml.bos_token_id", "0...7"]),
    ("eosNegative", "tokenizer.ggml.eos_token_id", .i32(-2), ["tokenizer.ggml.eos_token_id"]),
    ("tokenizerKind", "tokenizer.ggml.model", .string("rwkv"), ["rwkv"]),
    ("headCount0", "llama.attention.head_count", .u32(0), ["llama.attention.head_count", "1...1024"]),
    ("kvHeads0", "llama.attention.head_count_kv", .u32(0), ["llama.attention.head_count_kv"]),
    ("headsNoMultiple", "llama.attention.head_count_kv", .u32(3), ["a multiple of attention.head_count_kv"]),
    ("blockCount", "llama.block_count", .u32(1 << 31), ["llama.block_count"]),
    ("ropeOdd", "llama.rope.dimension_count", .u32(1), ["llama.rope.dimension_count"]),
    ("ropeOverHead", "llama.rope.dimension_count", .u32(4), ["llama.rope.dimension_count"]),
    ("context", "llama.context_length", .u64(1 << 40), ["llama.context_length"]),
    ("widthText", "llama.embedding_length", .string("4"), ["llama.embedding_length", "an integer"]),
    ("epsilonNaN", "llama.attention.layer_norm_rms_epsilon", .f32(.nan), ["layer_norm_rms_epsilon"]),
    ("experts", "llama.expert_count", .u32(8), ["a mixture of experts"]),
    ("ropeScaling", "llama.rope.scaling.type", .string("yarn"), ["yarn", "none, linear"]),
  ]

  @Test(arguments: hostile.indices) func hostileMetadata(_ index: Int) throws {
    let (name, key, value, parts) = Self.hostile[index]
    do {
      _ = try Self.load(Self.llama.setting(key, value))
      Issue.record("\(name) was loaded")
    } catch let error as AviaryError {
      #expect(error.exitCode == 2, "\(name): \(error)")
      for part in parts { #expect(error.description.contains(part), "\(name): \(error)") }
    }
  }

  @Test func tensorsThatAreMissingOrTooManyAreNamed() throws {
    var less = Self.llama
    less.tensors.removeAll { $0.name == Array("blk.0.ffn_up.weight".utf8) }
    expectError(.weights, "mlp.up_proj.weight") { _ = try Self.load(less) }
    var more = Self.llama
    more.tensors.append(.init("blk.1.attn_q.weight", [4, 4]))
    expectError(.weights, "blk.1.attn_q.weight") { _ = try Self.load(more) }
    var none = Self.llama
    none.tensors.removeAll { $0.name == Array("token_embd.weight".utf8) }
    expectError(.weights, "token_embd.weight") { _ = try Self.load(none) }
  }

  /// Merges of absent tokens, byte-level vocabularies without a name for their splitting.
  @Test func byteLevelVocabularies() throws {
    let base = Self.llama.setting("tokenizer.ggml.model", .string("gpt2")).setting("tokenizer.ggml.pre", .string("gpt-2"))
      .setting("tokenizer.ggml.merges", .strings(["a b"]))
    let tokenizer = try #require(try Self.load(base).processor?.tokenizer)
    #expect(try tokenizer.encode("ab", addSpecial: false) == [5])
    expectError(.format, "the merge \"a zz\"") { _ = try Self.load(base.setting("tokenizer.ggml.merges", .strings(["a zz"]))) }
    expectError(.config, "tokenizer.ggml.pre") { _ = try Self.load(base.setting("tokenizer.ggml.pre", nil)) }
    expectError(.config, "swahili") { _ = try Self.load(base.setting("tokenizer.ggml.pre", .string("swahili"))) }
  }

  // MARK: Eyes

  static let eyes: GGUFBuilder = {
    var b = GGUFBuilder()
    b.values = [
      ("general.architecture", .string("clip")), ("clip.projector_type", .string("mlp")), ("clip.vision.embedding_length", .u32(4)),
      ("clip.vision.feed_forward_length", .u32(6)), ("clip.vision.block_count", .u32(2)), ("clip.vision.attention.head_count", .u32(2)),
      ("clip.vision.image_size", .u32(4)), ("clip.vision.patch_size", .u32(2)), ("clip.vision.attention.layer_norm_epsilon", .f32(1e-5)),
      ("clip.vision.image_mean", .floats([0.5, 0.5, 0.5])), ("clip.vision.image_std", .floats([0.25, 0.25, 0.25])),
    ]
    func pair(_ name: String, _ dims: [UInt64]) -> [GGUFBuilder.Tensor] { [.init("\(name).weight", dims), .init("\(name).bias", [dims.last ?? 0])] }
    b.tensors = [.init("v.class_embd", [4]), .init("v.patch_embd.weight", [2, 2, 3, 4]), .init("v.position_embd.weight", [4, 5])]
    b.tensors += pair("v.pre_ln", [4]) + pair("mm.0", [4, 4]) + pair("mm.2", [4, 4])
    for layer in 0..<2 {
      for part in ["attn_q", "attn_k", "attn_v", "attn_out"] { b.tensors += pair("v.blk.\(layer).\(part)", [4, 4]) }
      b.tensors += pair("v.blk.\(layer).ln1", [4]) + pair("v.blk.\(layer).ln2", [4])
      b.tensors += pair("v.blk.\(layer).ffn_up", [4, 6]) + pair("v.blk.\(layer).ffn_down", [6, 4])
    }
    return b
  }()

  private func load(_ eyes: GGUFBuilder) throws -> LoadedModel {
    let folder = try TemporaryFolder()
    _ = try folder.write("mmproj-m.gguf", eyes.bytes())
    return try Self.loader.load(folder.write("m.gguf", Self.llama.bytes()), on: Reference())
  }

  @Test func aProjectorFileBesideItGivesEyes() throws {
    let model = try load(Self.eyes)
    #expect(model.architecture == "llava")
    #expect(model.model.canSee)
    // Older files call the matrix that leads up `ffn_down`.
    var older = Self.eyes
    for index in older.tensors.indices {
      let name = String(decoding: older.tensors[index].name, as: UTF8.self)
      older.tensors[index].name = Array((name.contains("ffn_up") ? name.replacing("ffn_up", with: "ffn_down") : name.replacing("ffn_down", with: "ffn_up")).utf8)
    }
    #expect(try load(older).model.canSee)
  }

  static let hostileEyes: [(name: String, key: String, value: GGUFBuilder.Value?, parts: [String])] = [
    ("meanShort", "clip.vision.image_mean", .floats([0.5, 0.5]), ["clip.vision.image_mean", "3 numbers"]),
    ("meanText", "clip.vision.image_mean", .string("0.5"), ["clip.vision.image_mean"]),
    ("std0", "clip.vision.image_std", .floats([0.5, 0, 0.5]), ["clip.vision.image_std", "above 0"]),
    ("pinpointsOdd", "clip.vision.image_grid_pinpoints", .ints([336, 672, 336]), ["3 grid sizes", "pairs"]),
    ("patch0", "clip.vision.patch_size", .u32(0), ["clip.vision.patch_size"]), ("patchOverImage", "clip.vision.patch_size", .u32(8), ["patch_size 8"]),
    ("image", "clip.vision.image_size", .u32(1 << 20), ["clip.vision.image_size"]),
    ("featureLayer", "clip.vision.feature_layer", .ints([-999]), ["clip.vision.feature_layer"]),
    ("projector", "clip.projector_type", .string("ldp"), ["ldp", "mlp"]), ("noClip", "general.architecture", .string("llama"), ["clip"]),
  ]

  @Test(arguments: hostileEyes.indices) func hostileProjectors(_ index: Int) throws {
    let (name, key, value, parts) = Self.hostileEyes[index]
    do {
      _ = try load(Self.eyes.setting(key, value))
      Issue.record("\(name) was loaded")
    } catch let error as AviaryError {
      #expect(error.exitCode == 2, "\(name): \(error)")
      for part in parts { #expect(error.description.contains(part), "\(name): \(error)") }
    }
  }

  @Test func aProjectorForAnotherWidthIsRefused() throws {
    var wide = Self.eyes
    for index in wide.tensors.indices where String(decoding: wide.tensors[index].name, as: UTF8.self) == "mm.2.weight" { wide.tensors[index] = .init("mm.2.weight", [4, 6]) }
    do {
      _ = try load(wide)
      Issue.record("it was loaded")
    } catch let error as AviaryError { #expect(error.description.contains("the language model's width 4"), "\(error)") }
  }
}

import AviaryFormats
import AviaryParts
import AviaryTensor
import AviaryText

/// A language model's sizes and vocabulary as metadata of a GGUF file.
enum LanguageMetadata {
  typealias Entries = [(key: String, value: GGUFEntry)]

  static func entries(_ model: LanguageToWrite, name: String) -> Entries {
    let general: Entries = [
      ("general.architecture", .string(model.architecture.rawValue)), ("general.type", .string("model")), ("general.name", .string(name)),
      ("general.quantization_version", .u32(2)),
    ]
    return general + model.sizes
  }

  /// What every architecture counts.
  ///
  /// - Parameter hidden: channels between the matrices of a block's MLP.
  static func sizes(_ architecture: GGUFArchitecture, vocabulary: Int, context: Int, width: Int, hidden: Int, layers: Int, heads: Int) -> Entries {
    let scope = architecture.rawValue
    return [
      ("\(scope).vocab_size", .u32(vocabulary)), ("\(scope).context_length", .u32(context)), ("\(scope).embedding_length", .u32(width)),
      ("\(scope).block_count", .u32(layers)), ("\(scope).feed_forward_length", .u32(hidden)), ("\(scope).attention.head_count", .u32(heads)),
    ]
  }

  /// Linear scaling of positions, where there is any.
  static func scaling(_ factor: Double, _ scope: String) -> Entries {
    factor == 1 ? [] : [("\(scope).rope.scaling.type", .string("linear")), ("\(scope).rope.scaling.factor", .float(Float(factor)))]
  }

  static func sizes(_ c: LlamaConfig, _ architecture: GGUFArchitecture) -> Entries {
    let scope = architecture.rawValue
    var entries = sizes(
      architecture, vocabulary: c.vocabularySize, context: c.contextLength, width: c.hiddenSize, hidden: c.intermediateSize, layers: c.layers, heads: c.heads)
    entries += [
      ("\(scope).rope.dimension_count", .u32(c.headDim)), ("\(scope).attention.head_count_kv", .u32(c.kvHeads)),
      ("\(scope).attention.layer_norm_rms_epsilon", .float(Float(c.epsilon))), ("\(scope).rope.freq_base", .float(Float(c.ropeTheta))),
    ]
    entries += scaling(c.ropeScaling, scope)
    if c.headDim * c.heads != c.hiddenSize {
      for part in ["key", "value"] { entries.append(("\(scope).attention.\(part)_length", .u32(c.headDim))) }
    }
    return entries
  }

  static func entries(_ lists: TokenLists, template: String?) -> Entries {
    let scope = "tokenizer.ggml."
    var entries: Entries = [(scope + "model", .string(lists.model)), (scope + "tokens", .strings(lists.tokens)), (scope + "token_type", .ints(lists.types.map(Int32.init)))]
    if lists.model == "gpt2" {
      entries.append((scope + "pre", .string(lists.splitting)))
      entries.append((scope + "merges", .strings(lists.merges)))
    } else {
      entries.append((scope + "scores", .floats(lists.scores)))
    }
    for (name, id) in [("bos", lists.bos), ("eos", lists.eos), ("unknown", lists.unknown)] {
      if let id { entries.append(("\(scope)\(name)_token_id", .u32(Int(id)))) }
    }
    if let addsBOS = lists.addsBOS { entries.append((scope + "add_bos_token", .bool(addsBOS))) }
    entries.append((scope + "add_eos_token", .bool(lists.addsEOS)))
    if let blank = lists.addsPrefixBlank { entries.append((scope + "add_space_prefix", .bool(blank))) }
    if let template { entries.append(("tokenizer.chat_template", .string(template))) }
    return entries
  }

  /// llama.cpp's number for what most matrices are.
  static func fileType(_ dtype: DType) -> Int {
    let numbers: [DType: Int] = [
      .f32: 0, .f16: 1, .q4_0: 2, .q4_1: 3, .q8_0: 7, .q5_0: 8, .q5_1: 9, .q2_k: 10, .q3_k: 12, .q4_k: 14, .q5_k: 16, .q6_k: 18, .bf16: 32,
    ]
    return numbers[dtype] ?? 0
  }
}

/// A tower and its projector as they are to be written.
struct EyesToWrite {
  let vision: CLIPConfig
  let features: FeatureLayers
  let pinpoints: [[Int]]
  /// Beginnings of the projector's names: the family's, the file's.
  let projector: [(String, String)]

  func entries(layers: Int) -> LanguageMetadata.Entries {
    var entries: LanguageMetadata.Entries = [
      ("general.architecture", .string("clip")), ("general.type", .string("mmproj")), ("clip.has_vision_encoder", .bool(true)),
      ("clip.projector_type", .string("mlp")), ("clip.vision.image_size", .u32(vision.imageSize)), ("clip.vision.patch_size", .u32(vision.patchSize)),
      ("clip.vision.embedding_length", .u32(vision.hiddenSize)), ("clip.vision.feed_forward_length", .u32(vision.intermediateSize)),
      ("clip.vision.projection_dim", .u32(vision.hiddenSize)), ("clip.vision.attention.head_count", .u32(vision.heads)),
      ("clip.vision.attention.layer_norm_epsilon", .float(Float(vision.epsilon))), ("clip.vision.block_count", .u32(layers)),
      ("clip.use_gelu", .bool(vision.activation == .gelu)), ("clip.use_silu", .bool(vision.activation == .silu)),
    ]
    if !pinpoints.isEmpty {
      entries.append(("clip.vision.image_grid_pinpoints", .ints(pinpoints.flatMap { $0.map(Int32.init) })))
      entries.append(("clip.vision.mm_patch_merge_type", .string("spatial_unpad")))
    }
    return entries
  }
}

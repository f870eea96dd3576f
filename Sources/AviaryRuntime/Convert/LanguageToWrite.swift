import AviaryCore
import AviaryFormats
import AviaryParts
import AviaryTensor

/// A language model as it is to be written: what its metadata say, and how its tensors come from the checkpoint's.
struct LanguageToWrite {
  let architecture: GGUFArchitecture
  let layers: Int
  /// Rows of the table of embeddings.
  let vocabularySize: Int
  /// Sizes under the architecture's scope.
  let sizes: LanguageMetadata.Entries
  /// The head is the table of embeddings, and no tensor of its own is written.
  let tiesEmbeddings: Bool
  /// What the scales of norms are stored without.
  let normOffset: Float
  /// Orders of the rows of some tensors, by an ending of their block's part: `attn_q`.
  private let orders: [String: RowOrder]

  /// The order of a tensor's rows in the file; nil for the checkpoint's.
  func order(of stored: String) -> RowOrder? {
    let parts = stored.split(separator: ".")
    return parts.count > 2 ? orders[String(parts[parts.count - 2])] : nil
  }

  /// - Parameters:
  ///   - isQwen2: the configuration is Qwen2's, which has an architecture of its own in GGUF.
  ///   - place: the checkpoint's name, for messages.
  /// - Throws: `.request` for what such a file cannot say.
  init(_ c: LlamaConfig, isQwen2: Bool, at place: String) throws(AviaryError) {
    try Self.refuse(c.activation != .silu, "the activation \(c.activation)", place)
    architecture = isQwen2 ? .qwen2 : .llama
    (layers, vocabularySize, tiesEmbeddings, normOffset) = (c.layers, c.vocabularySize, c.tiesEmbeddings, 0)
    sizes = LanguageMetadata.sizes(c, architecture)
    // Rows of queries and keys in the order in which rotated pairs are neighbours.
    let isReordered = !isQwen2 && !c.ropeIsInterleaved
    orders = isReordered ? ["attn_q": .pairs(heads: c.heads, head: c.headDim), "attn_k": .pairs(heads: c.kvHeads, head: c.headDim)] : [:]
  }

  init(_ c: DecoderConfig, at place: String) throws(AviaryError) {
    switch c {
    case .llama(let c): try self.init(c, isQwen2: false, at: place)
    case .qwen(let c): self.init(qwen: c)
    case .mpt(let c): try self.init(c, at: place)
    case .gptNeoX(let c): try self.init(c, at: place)
    }
  }

  /// Dynamic NTK and scaled queries, for prompts longer than those of its training, have no key.
  private init(qwen c: LlamaConfig) {
    architecture = .qwen
    (layers, vocabularySize, tiesEmbeddings, normOffset, orders) = (c.layers, c.vocabularySize, c.tiesEmbeddings, 0, [:])
    // Each of the two upper matrices has half of the channels that the key counts.
    var doubled = c
    doubled.intermediateSize *= 2
    sizes = LanguageMetadata.sizes(doubled, .qwen)
  }

  private init(_ c: MPTConfig, at place: String) throws(AviaryError) {
    try Self.refuse(c.isMosaicGPT, "MPT's first form (mosaic_gpt)", place)
    try Self.refuse(c.scale != nil, "a softmax_scale", place)
    architecture = .mpt
    (layers, vocabularySize, tiesEmbeddings, normOffset, orders) = (c.layers, c.vocabularySize, true, 0, [:])
    let scope = architecture.rawValue
    sizes = LanguageMetadata.sizes(
      architecture, vocabulary: c.vocabularySize, context: c.contextLength, width: c.hiddenSize, hidden: c.intermediateSize, layers: c.layers, heads: c.heads)
      + [("\(scope).attention.layer_norm_epsilon", .float(Float(c.epsilon))), ("\(scope).attention.max_alibi_bias", .float(Float(c.alibiMaximum)))]
  }

  private init(_ c: GPTNeoXConfig, at place: String) throws(AviaryError) {
    try Self.refuse(c.activation != .gelu, "the activation \(c.activation)", place)
    architecture = .gptneox
    (layers, vocabularySize, tiesEmbeddings, normOffset) = (c.layers, c.vocabularySize, c.tiesEmbeddings, 0)
    let scope = architecture.rawValue
    sizes = LanguageMetadata.sizes(
      architecture, vocabulary: c.vocabularySize, context: c.contextLength, width: c.hiddenSize, hidden: c.intermediateSize, layers: c.layers, heads: c.heads)
      + [
        ("\(scope).attention.layer_norm_epsilon", .float(Float(c.epsilon))), ("\(scope).rope.dimension_count", .u32(c.rotary)),
        ("\(scope).rope.freq_base", .float(Float(c.ropeTheta))), ("\(scope).use_parallel_residual", .bool(c.isParallel)),
      ]
    orders = c.joinsProjections ? [:] : ["attn_qkv": .thirds(heads: c.heads, head: c.hiddenSize / c.heads)]
  }

  init(_ c: Gemma3Config, at place: String) throws(AviaryError) {
    // Which layers see everything, and what scores are divided by, follows from sizes.
    let pattern = c.globalLayers.min().map { $0 + 1 } ?? c.layers + 1
    let scalar = Double(c.layers == 62 ? c.hiddenSize / c.heads : c.headDim)
    try Self.refuse(c.globalLayers != Set((0..<c.layers).filter { ($0 + 1) % pattern == 0 }), "global layers \(c.globalLayers.sorted())", place)
    try Self.refuse(c.queryScalar != scalar, "query_pre_attn_scalar \(c.queryScalar)", place)
    try Self.refuse(c.activation != .geluTanh, "the activation \(c.activation)", place)
    architecture = .gemma3
    (layers, vocabularySize, tiesEmbeddings, normOffset, orders) = (c.layers, c.vocabularySize, true, c.normOffset, [:])
    let scope = architecture.rawValue
    sizes = LanguageMetadata.sizes(
      architecture, vocabulary: c.vocabularySize, context: c.contextLength, width: c.hiddenSize, hidden: c.intermediateSize, layers: c.layers, heads: c.heads)
      + [
        ("\(scope).attention.head_count_kv", .u32(c.kvHeads)), ("\(scope).attention.layer_norm_rms_epsilon", .float(Float(c.epsilon))),
        ("\(scope).attention.key_length", .u32(c.headDim)), ("\(scope).attention.value_length", .u32(c.headDim)),
        ("\(scope).rope.freq_base", .float(Float(c.ropeTheta))), ("\(scope).rope.freq_base_swa", .float(Float(c.localTheta))),
        ("\(scope).attention.sliding_window", .u32(c.window)), ("\(scope).attention.sliding_window_pattern", .u32(pattern)),
      ] + LanguageMetadata.scaling(c.ropeScaling, scope)
  }

  private static func refuse(_ isSo: Bool, _ found: String, _ place: String) throws(AviaryError) {
    if isSo { throw AviaryError(.request, found, wanted: "what a GGUF file can say", at: place) }
  }
}

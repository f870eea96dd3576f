import AviaryCore
import AviaryFormats
import AviaryTensor

/// The architectures of llama.cpp's files that are read here, with the words that their authors' configurations have.
enum GGUFArchitecture: String, CaseIterable {
  case llama, qwen, qwen2, gemma3, mpt, gptneox

  /// - Throws: `.config` that lists the known ones.
  init(_ metadata: ConfigReader) throws(AviaryError) {
    self = try metadata.choice("general.architecture", of: GGUFArchitecture.allCases.map { ($0.rawValue, $0) })
  }

  /// `model_type` in Hugging Face's configurations.
  var modelType: String {
    switch self {
    case .llama, .qwen, .qwen2, .mpt: rawValue
    case .gemma3: "gemma3_text"
    case .gptneox: "gpt_neox"
    }
  }
}

/// Sizes of a language model as its metadata has them, read with their ranges, so that an error names the key.
struct GGUFSizes {
  let width: Int
  let hidden: Int
  let layers: Int
  let heads: Int
  let kvHeads: Int
  let head: Int
  let context: Int
  /// Rows of the table of embeddings.
  let vocabulary: Int
  /// Leading dimensions of a head that are rotated.
  let rotary: Int
  let hasOutput: Bool

  init(_ file: GGUFFile, _ architecture: GGUFArchitecture) throws(AviaryError) {
    let (m, scope) = (file.metadata, architecture.rawValue)
    width = try m.int("\(scope).embedding_length", in: 1...65_536)
    hidden = try m.int("\(scope).feed_forward_length", in: 1...1_048_576)
    layers = try m.int("\(scope).block_count", in: 1...1024)
    heads = try m.int("\(scope).attention.head_count", in: 1...1024)
    kvHeads = try m.int("\(scope).attention.head_count_kv", default: heads, in: 1...1024)
    guard heads % kvHeads == 0 else {
      throw AviaryError(.config, "\(heads) heads", wanted: "a multiple of attention.head_count_kv \(kvHeads)", at: "\(m.place): \(scope).attention.head_count")
    }
    if !m.has("\(scope).attention.key_length"), width % heads != 0 {
      throw AviaryError(.config, "\(heads) heads of \(width) channels", wanted: "a divisor of the channels", at: "\(m.place): \(scope).attention.head_count")
    }
    head = try m.int("\(scope).attention.key_length", default: width / heads, in: 1...4096)
    guard try m.int("\(scope).attention.value_length", default: head, in: 1...4096) == head else {
      throw AviaryError(.config, "values of another width than keys", wanted: "\(head)", at: "\(m.place): \(scope).attention.value_length")
    }
    context = try m.int("\(scope).context_length", in: 1...16_777_216)
    rotary = try m.int("\(scope).rope.dimension_count", default: head, in: 1...head)
    guard rotary % 2 == 0 || architecture == .mpt else {
      throw AviaryError(.config, "\(rotary) rotated dimensions", wanted: "an even number", at: "\(m.place): \(scope).rope.dimension_count")
    }
    guard try m.int("\(scope).expert_count", default: 0, in: 0...65_536) == 0 else {
      throw AviaryError(.config, "a mixture of experts", wanted: "a dense model", at: "\(m.place): \(scope).expert_count")
    }
    guard let table = try file.tensor("token_embd.weight"), table.shape.count == 2 else {
      throw AviaryError(.weights, "no matrix token_embd.weight", wanted: "the embeddings of the vocabulary", at: m.place)
    }
    vocabulary = table.shape[0]
    hasOutput = try file.tensor("output.weight") != nil
  }
}

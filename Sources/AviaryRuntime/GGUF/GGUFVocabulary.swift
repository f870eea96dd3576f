import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText

/// The tokenizer that a GGUF file's metadata describe (`tokenizer.ggml.*`).
struct GGUFVocabulary: Sendable {
  private static let scope = "tokenizer.ggml."
  private let file: GGUFFile
  /// Spellings by id; read once, since there may be hundreds of thousands.
  private let tokens: [[UInt8]]

  /// Whether the file says that it has no tokenizer, as those made to measure speed do.
  let isAbsent: Bool

  /// - Throws: `.format` where the file has no list of tokens and does not say so.
  init(_ file: GGUFFile) throws(AviaryError) {
    isAbsent = try file.metadata.optionalString(GGUFVocabulary.scope + "model") == "none"
    if isAbsent {
      (self.file, tokens) = (file, [])
      return
    }
    guard let tokens = file.array(GGUFVocabulary.scope + "tokens")?.strings() else {
      throw AviaryError(.format, "no list of tokens", wanted: "the vocabulary", at: "\(file.metadata.place): \(GGUFVocabulary.scope)tokens")
    }
    self.file = file
    self.tokens = tokens
  }

  func tokenizer(adding extra: [String], limits: Limits) throws(AviaryError) -> any Tokenizer {
    let (m, scope) = (file.metadata, GGUFVocabulary.scope)
    guard !isAbsent else { throw AviaryError(.request, "no tokenizer", wanted: "a file with one, to answer in words", at: m.place) }
    var lists = TokenLists(tokens: tokens, place: m.place)
    if let types = file.array(scope + "token_type") {
      guard let numbers = types.integers() else { throw AviaryError(.format, "no list of integers", at: "\(m.place): \(scope)token_type") }
      lists.types = numbers
    }
    if let scores = file.array(scope + "scores") {
      guard let numbers = scores.floats() else { throw AviaryError(.format, "no list of numbers", at: "\(m.place): \(scope)scores") }
      lists.scores = numbers
    }
    if let merges = file.array(scope + "merges") {
      guard let texts = merges.strings() else { throw AviaryError(.format, "no list of strings", at: "\(m.place): \(scope)merges") }
      lists.merges = texts
    }
    lists.model = try m.string(scope + "model")
    lists.splitting = try m.string(scope + "pre", default: "default")
    lists.bos = try id("bos_token_id")
    lists.eos = try id("eos_token_id")
    lists.unknown = try id("unknown_token_id")
    if m.has(scope + "add_bos_token") { lists.addsBOS = try m.bool(scope + "add_bos_token", default: false) }
    lists.addsEOS = try m.bool(scope + "add_eos_token", default: false)
    if m.has(scope + "add_space_prefix") { lists.addsPrefixBlank = try m.bool(scope + "add_space_prefix", default: true) }
    return try lists.tokenizer(adding: extra.map { AddedToken($0) }, limits: limits)
  }

  private func id(_ name: String) throws(AviaryError) -> Int32? {
    let (m, key) = (file.metadata, GGUFVocabulary.scope + name)
    // Some writers say -1, or the largest number, for none.
    guard m.has(key), let value = m.value(key)?.int, value != -1, value != Int(UInt32.max) else { return nil }
    return Int32(try m.int(key, in: 0...max(tokens.count - 1, 0)))
  }

  /// The spelling of the token whose id a key has.
  func spelling(of name: String) -> String? {
    guard let id = file.metadata.value(GGUFVocabulary.scope + name)?.int, tokens.indices.contains(id) else { return nil }
    return String(decoding: tokens[id], as: UTF8.self)
  }

  /// Ids that end an answer: those that the file names, and tokens whose spelling says it, as llama.cpp has it.
  func stops() throws(AviaryError) -> [Int] {
    var ids: Set<Int> = []
    for name in ["eos_token_id", "eot_token_id", "eom_token_id"] {
      if let id = try id(name) { ids.insert(Int(id)) }
    }
    let types = file.array(GGUFVocabulary.scope + "token_type")?.integers() ?? []
    for (id, token) in tokens.enumerated() where types.indices.contains(id) && types[id] == TokenLists.control {
      if GGUFVocabulary.endings.contains(token) { ids.insert(id) }
    }
    return ids.sorted()
  }

  private static let endings = Set(
    ["<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|eom_id|>", "<EOT>", "<|end_of_text|>"].map { Array($0.utf8) })
}

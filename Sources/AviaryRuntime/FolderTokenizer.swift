import AviaryCore
import AviaryTensor
import AviaryText

/// The tokenizer that a folder's files describe.
enum FolderTokenizer {
  static func load(_ folder: FolderOnDisk, adding tokens: [String]) throws(AviaryError) -> any Tokenizer {
    var files = TokenizerFiles()
    files.tokenizer = try folder.json("tokenizer.json")
    if files.tokenizer == nil, let ranks = try folder.bytes("qwen.tiktoken", maxBytes: folder.limits.jsonBytes) {
      let limits = folder.limits
      return try ranks.span.withUnsafeBytes { (bytes) throws(AviaryError) in try SubwordTokenizer(qwen: bytes, limits: limits) }
    }
    if files.tokenizer == nil {
      files.sentencePiece = try folder.bytes("tokenizer.model", maxBytes: folder.limits.jsonBytes)
      files.vocabulary = try folder.json("vocab.json")
      files.merges = try folder.bytes("merges.txt", maxBytes: folder.limits.jsonBytes).map { String(decoding: $0, as: UTF8.self) }
    }
    try addSettings(folder, to: &files)
    return try TokenizerLoader.load(files, extra: tokens.map { AddedToken($0) }, limits: folder.limits)
  }

  private static func addSettings(_ folder: FolderOnDisk, to files: inout TokenizerFiles) throws(AviaryError) {
    files.config = try folder.json("tokenizer_config.json")
    files.specialTokensMap = try folder.json("special_tokens_map.json")
    files.addedTokens = try folder.json("added_tokens.json")
  }

  /// The same as lists for a GGUF file, from `tokenizer.model` where there is one, since it has the scores.
  static func lists(_ folder: FolderOnDisk, count: Int) throws(AviaryError) -> TokenLists {
    var files = TokenizerFiles()
    files.sentencePiece = try folder.bytes("tokenizer.model", maxBytes: folder.limits.jsonBytes)
    if files.sentencePiece == nil { files.tokenizer = try folder.json("tokenizer.json") }
    if files.sentencePiece == nil, files.tokenizer == nil, let ranks = try folder.bytes("qwen.tiktoken", maxBytes: folder.limits.jsonBytes) {
      let limits = folder.limits
      return try ranks.span.withUnsafeBytes { (bytes) throws(AviaryError) in try TokenLists(qwen: bytes, count: count, limits: limits) }
    }
    try addSettings(folder, to: &files)
    return try TokenLists(files, count: count, limits: folder.limits)
  }
}

public import AviaryCore
public import AviaryTensor

/// The lists of Qwen's first generation, which is published as a file of ranks (`qwen.tiktoken`).
extension TokenLists {
  /// The tokens in the alphabet of byte-level BPE, and for each the merge that ends in it.
  ///
  /// - Parameter count: rows of the model's table: ids without a token become unused ones.
  /// - Throws: `.format` where the file is malformed, `.request` for more tokens than rows.
  public init(qwen ranks: UnsafeRawBufferPointer, count: Int, limits: Limits = .standard) throws(AviaryError) {
    self.init(tokens: [], place: "qwen.tiktoken")
    (model, splitting, addsBOS) = ("gpt2", "qwen", false)
    let vocabulary = try RankModel(ranks, limits).vocabulary
    for id in 0..<Int32(vocabulary.endID) {
      guard let token = vocabulary.bytes(of: id).map(Array.init) else { continue }
      set(Int(id), Self.spelled(token[...]), type: 1)
      // Tokens that no merge leads to are met as whole words only.
      if let cut = Self.cut(token, vocabulary) { merges.append(Self.spelled(token[..<cut]) + [0x20] + Self.spelled(token[cut...])) }
    }
    for token in SubwordTokenizer.qwenControls { set(tokens.count, Array(token.content.utf8), type: token.special ? Self.control : 4) }
    eos = tokens.firstIndex(of: Array("<|endoftext|>".utf8)).map { Int32($0) }
    try fill(to: count)
  }

  private static func spelled(_ bytes: ArraySlice<UInt8>) -> [UInt8] { bytes.flatMap { ByteAlphabet.spellings[Int($0)] } }

  /// Where the two tokens meet that a token is joined from, by merges of lower ranks than its own; nil for a byte and for a
  /// token that cannot be reached.
  private static func cut(_ token: [UInt8], _ vocabulary: Vocabulary) -> Int? {
    guard let rank = vocabulary.id(of: token) else { return nil }
    var starts = Array(token.indices) + [token.count]
    while starts.count > 3 {
      let pairs = (0..<starts.count - 2).compactMap { i in
        vocabulary.id(of: Array(token[starts[i]..<starts[i + 2]])).map { (rank: $0, middle: i + 1) }
      }
      guard let best = pairs.min(by: { $0 < $1 }), best.rank < rank else { return nil }
      starts.remove(at: best.middle)
    }
    return starts.count == 3 ? starts[1] : nil
  }
}

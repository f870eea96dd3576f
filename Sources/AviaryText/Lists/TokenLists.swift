public import AviaryCore
public import AviaryTensor

/// A tokenizer as a GGUF file describes it: parallel lists of spellings, types and scores, and a list of merges.
public struct TokenLists: Sendable {
  /// By id.
  public var tokens: [[UInt8]]
  /// 1 plain, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; empty where all are plain.
  public var types: [Int] = []
  public var scores: [Float] = []
  /// "left right", the first to be joined first.
  public var merges: [[UInt8]] = []
  /// `llama` (SentencePiece) or `gpt2` (byte-level BPE).
  public var model = ""
  /// The name of the patterns that cut texts into words, of `gpt2`.
  public var splitting = "default"
  public var bos: Int32?
  public var eos: Int32?
  public var unknown: Int32?
  /// nil for what the model's kind does.
  public var addsBOS: Bool?
  public var addsEOS = false
  /// A blank in front of the text, of `llama`; nil adds one.
  public var addsPrefixBlank: Bool?
  private let place: String

  /// The type of control tokens.
  public static let control = 3

  /// - Parameter place: the file, for messages.
  public init(tokens: [[UInt8]], place: String) {
    self.tokens = tokens
    self.place = place
  }

  /// - Parameter extra: tokens that the model's code adds.
  /// - Throws: `.format` where the lists contradict each other, `.config` for a kind or a splitting that is not known.
  public func tokenizer(adding extra: [AddedToken] = [], limits: Limits = .standard) throws(AviaryError) -> any Tokenizer {
    do throws(AviaryError) {
      try check(limits)
      switch model {
      case "llama": return try sentencePiece(extra, limits)
      case "gpt2": return try byteLevel(extra, limits)
      default: throw AviaryError(.config, "a tokenizer of the kind \"\(model.prefix(40))\"", wanted: "llama or gpt2")
      }
    } catch { throw error.at(place).at("tokenizer") }
  }

  private func check(_ limits: Limits) throws(AviaryError) {
    guard !tokens.isEmpty else { throw AviaryError(.format, "the vocabulary is empty") }
    guard tokens.count <= limits.vocabulary else {
      throw AviaryError(.limit, "a vocabulary of \(tokens.count)", wanted: "at most \(limits.vocabulary)")
    }
    for (name, count) in [("types", types.count), ("scores", scores.count)] where count != 0 && count != tokens.count {
      throw AviaryError(.format, "\(count) \(name) for \(tokens.count) tokens", wanted: "one for each")
    }
    for (name, id) in [("bos", bos), ("eos", eos), ("unknown", unknown)] {
      if let id, !tokens.indices.contains(Int(id)) { throw AviaryError(.format, "\(name) is token \(id)", wanted: "one of \(tokens.count)") }
    }
  }

  private func text(_ id: Int32?) -> String? { id.map { String(decoding: tokens[Int($0)], as: UTF8.self) } }

  /// Tokens that are looked for in texts before anything else.
  ///
  /// - Parameter types: of those wanted.
  private func added(_ wanted: Set<Int>) throws(AviaryError) -> [AddedToken] {
    var result: [AddedToken] = []
    for (id, type) in types.enumerated() where wanted.contains(type) {
      guard !tokens[id].isEmpty, tokens[id].count <= AddedTokenMatcher.longestToken else {
        throw AviaryError(.format, "token \(id) has \(tokens[id].count) bytes", wanted: "1 to \(AddedTokenMatcher.longestToken)")
      }
      result.append(AddedToken(String(decoding: tokens[id], as: UTF8.self), id: Int32(id), special: type == TokenLists.control))
    }
    return result
  }

  // MARK: Kinds

  private func sentencePiece(_ extra: [AddedToken], _ limits: Limits) throws(AviaryError) -> any Tokenizer {
    var pieces: [SentencePieceModel.Piece] = []
    pieces.reserveCapacity(tokens.count)
    let unknownID = types.firstIndex(of: SentencePieceModel.PieceType.unknown.rawValue) ?? unknown.map(Int.init) ?? 0
    for (id, token) in tokens.enumerated() {
      let number = types.isEmpty ? 1 : types[id]
      guard var type = SentencePieceModel.PieceType(rawValue: number) else {
        throw AviaryError(.format, "the token type \(number)", wanted: "1 to 6", at: "token \(id)")
      }
      if id == unknownID { type = .unknown } else if type == .unused { type = .control }
      // Converters write the blanks of user-defined pieces as they print.
      let text = type == .userDefined ? Array(token.replacing([0x20], with: Array("\u{2581}".utf8))) : token
      pieces.append(SentencePieceModel.Piece(text: text, score: scores.isEmpty ? 0 : scores[id], type: type))
    }
    // Control tokens are found where the text is trusted; every part between them begins with a blank, as in llama.cpp.
    let frame = TokenFrame(bos: text(bos), eos: text(eos), addsBOS: addsBOS ?? true, addsEOS: addsEOS)
    return try SentencePieceTokenizer(
      SentencePieceModel(pieces: pieces, addsDummyPrefix: addsPrefixBlank ?? true), mode: .huggingFace(legacy: true, addsPrefixBlank: true),
      added: added([TokenLists.control]) + extra, frame: frame, limits: limits)
  }

  private func byteLevel(_ extra: [AddedToken], _ limits: Limits) throws(AviaryError) -> any Tokenizer {
    let words = try WordSplitting(named: splitting)
    var vocabulary = Vocabulary(capacity: tokens.count)
    for (id, token) in tokens.enumerated() { try vocabulary.add(token.span, id: Int32(id), at: "token \(id)") }
    let added = try added([TokenLists.control, SentencePieceModel.PieceType.userDefined.rawValue])
    var forbidden = ByteStringTable()
    for token in added where token.isControl { forbidden.insert(token.content) }
    return try SubwordTokenizer(
      preparer: words.composes ? .nfc : nil, added: added + extra, preTokenizer: words.preTokenizer(),
      model: BPEModel(vocabulary, merges: merges, takesWholeWords: words.takesWholeWords, forbidding: forbidden), decoder: DecoderStage.byteLevel,
      frame: TokenFrame(bos: text(bos), eos: text(eos), addsBOS: addsBOS ?? words.addsBOS, addsEOS: addsEOS), limits: limits)
  }
}

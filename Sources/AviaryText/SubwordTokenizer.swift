public import AviaryCore
public import AviaryTensor

/// A tokenizer that finds added tokens, cuts the rest into pieces and gives each piece to a subword model: the kinds
/// of `tokenizer.json` and of tiktoken.
public struct SubwordTokenizer: Tokenizer {
  /// Rewrites the whole text before added tokens are looked for.
  private let preparer: Normalizer?
  private let added: AddedTokens
  /// Rewrites the text between added tokens.
  private let normalizer: Normalizer?
  private let preTokenizer: PreTokenizer?
  private let model: any SubwordModel
  private let postProcessor: PostProcessor
  private let decoder: [DecoderStage]
  private let cache = SharedWordCache()
  private let limits: Limits

  public let bos: Int32?
  public let eos: Int32?

  /// - Parameters:
  ///   - postProcessor: what the tokenizer's own file adds around a text; the frame has precedence.
  init(
    preparer: Normalizer? = nil, added: [AddedToken], normalizer: Normalizer? = nil, preTokenizer: PreTokenizer?,
    model: any SubwordModel, postProcessor: PostProcessor = PostProcessor(), decoder: [DecoderStage],
    frame: TokenFrame, limits: Limits
  ) throws(AviaryError) {
    self.preparer = preparer
    self.normalizer = normalizer
    self.preTokenizer = preTokenizer
    self.model = model
    self.decoder = decoder
    self.limits = limits
    let tokens = try AddedTokens(added, model.vocabulary, normalizer, limits)
    self.added = tokens
    func required(_ name: String?) throws(AviaryError) -> Int32? {
      guard let name else { return nil }
      guard let id = tokens.id(of: name) ?? model.vocabulary.id(of: name) else {
        throw AviaryError(.config, "the token \"\(name.prefix(40))\" is in no vocabulary")
      }
      return id
    }
    bos = try required(frame.bos)
    eos = try required(frame.eos)
    self.postProcessor = frame.postProcessor(bos: bos, eos: eos) ?? postProcessor
  }

  public var vocabularySize: Int { max(model.vocabulary.endID, added.endID) }

  public func id(of token: String) -> Int32? { added.id(of: token) ?? model.vocabulary.id(of: token) }

  public func token(_ id: Int32) -> String? { spelling(id).map { String(decoding: $0, as: UTF8.self) } }

  public func isSpecial(_ id: Int32) -> Bool { added.isSpecial(id) }

  private func spelling(_ id: Int32) -> ArraySlice<UInt8>? { added.spelling(id) ?? model.vocabulary.bytes(of: id) }

  public func encode(_ text: MarkedText, addSpecial: Bool) throws(AviaryError) -> [Int32] {
    try limits.check(text)
    let search = PatternSearch(seconds: limits.patternSeconds)
    let text = try preparer?.normalize(marked: text, search) ?? text
    var words = cache.take()
    defer { cache.giveBack(words) }
    var ids = addSpecial ? postProcessor.before : []
    for section in added.raw.sections(of: text) {
      if let id = section.id {
        ids.append(id)
      } else {
        let startsText = section.range.lowerBound == 0
        try encode(text, section.range, startsText: startsText, search, &words, into: &ids)
      }
    }
    if addSpecial { ids += postProcessor.after }
    return ids
  }

  /// Encodes a stretch between added tokens that are found in the text as it came.
  private func encode(
    _ text: MarkedText, _ range: Range<Int>, startsText: Bool, _ search: PatternSearch, _ words: inout WordCache,
    into ids: inout [Int32]
  ) throws(AviaryError) {
    guard !added.normalized.isEmpty else {
      let bytes = Array(copying: text.text.utf8.span.extracting(range))
      let normalized = try normalizer?.normalize(bytes, search) ?? bytes
      return try encode(plain: normalized, startsText: startsText, search, &words, into: &ids)
    }
    let normalized = try normalize(text.slice(range), search)
    for section in added.normalized.sections(of: normalized) {
      if let id = section.id {
        ids.append(id)
      } else {
        let plain = Array(copying: normalized.text.utf8.span.extracting(section.range))
        let isFirst = startsText && section.range.lowerBound == 0
        try encode(plain: plain, startsText: isFirst, search, &words, into: &ids)
      }
    }
  }

  private func normalize(_ text: MarkedText, _ search: PatternSearch) throws(AviaryError) -> MarkedText {
    guard let normalizer, !normalizer.isIdentity else { return text }
    // The marks matter only where a control token is looked for after normalising.
    if added.normalized.hasControl { return try normalizer.normalize(marked: text, search) }
    return MarkedText(untrusted: String(decoding: try normalizer.normalize(Array(text.text.utf8), search), as: UTF8.self))
  }

  private func encode(
    plain: [UInt8], startsText: Bool, _ search: PatternSearch, _ words: inout WordCache, into ids: inout [Int32]
  ) throws(AviaryError) {
    var pieces = PieceBuffer(plain, startsText: startsText)
    if let preTokenizer { pieces = try preTokenizer.split(pieces, search) }
    let bytes = pieces.bytes.span
    for piece in 0..<pieces.count { model.encode(bytes.extracting(pieces.range(piece)), &words, into: &ids) }
  }

  public func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
    var decoder = decoding(skipSpecial: skipSpecial)
    return decoder.decode(ids)
  }

  public func streamDecoder(skipSpecial: Bool) -> any StreamDecoder { decoding(skipSpecial: skipSpecial) }

  private func decoding(skipSpecial: Bool) -> TokenStreamDecoder {
    TokenStreamDecoder(chain: DecoderChain(decoder)) { [self] id in
      skipSpecial && isSpecial(id) ? nil : spelling(id).map(Array.init)
    }
  }
}

extension Limits {
  func check(_ text: MarkedText) throws(AviaryError) {
    guard text.utf8Count <= textBytes else {
      throw AviaryError(.limit, "a text of \(text.utf8Count) bytes", wanted: "at most \(textBytes)")
    }
  }
}

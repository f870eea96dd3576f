public import AviaryCore
public import AviaryTensor

/// The tokenizer of a Hugging Face `tokenizer.json`: normaliser, pre-tokeniser, model, post-processor and decoder as
/// the file lists them (https://huggingface.co/docs/tokenizers/components). A component that is not implemented is an
/// error that names it.
public struct TokenizerJSON: Tokenizer {
  private let added: AddedTokens
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
  ///   - json: the parsed file.
  ///   - extra: tokens that the checkpoint's other files, or its code, add.
  ///   - frame: BOS and EOS as `tokenizer_config.json` has them.
  public init(
    _ json: JSONValue, extra: [AddedToken] = [], frame: TokenFrame = TokenFrame(), limits: Limits = .standard
  ) throws(AviaryError) {
    let file = JSONReader(json, at: "")
    guard json.object != nil else { throw file.unfit("an object") }
    model = try TokenizerJSON.model(try file.required("model"), limits)
    normalizer = try file["normalizer"].map { (json) throws(AviaryError) in try Normalizer(json) }
    preTokenizer = try file["pre_tokenizer"].map { (json) throws(AviaryError) in try PreTokenizer(json) }
    decoder = try file["decoder"].map { (json) throws(AviaryError) in try DecoderStage.read(json) } ?? DecoderStage.none
    var tokens: [AddedToken] = []
    for entry in try file["added_tokens"]?.elements() ?? [] {
      tokens.append(try AddedToken(entry, id: entry.required("id").tokenID(limits)))
    }
    added = try AddedTokens(tokens + extra, model.vocabulary, normalizer, limits)
    self.limits = limits
    bos = try frame.bos.map { [added, model] (name) throws(AviaryError) in
      try TokenizerJSON.required(name, added, model.vocabulary)
    }
    eos = try frame.eos.map { [added, model] (name) throws(AviaryError) in
      try TokenizerJSON.required(name, added, model.vocabulary)
    }
    var around = try file["post_processor"].map { (json) throws(AviaryError) in try PostProcessor(json, limits) }
    if let addsBOS = frame.addsBOS { around = frame.around(bos: addsBOS ? bos : nil, eos: frame.addsEOS ? eos : nil) }
    postProcessor = around ?? PostProcessor()
  }

  private static func model(_ json: JSONReader, _ limits: Limits) throws(AviaryError) -> any SubwordModel {
    // Files from before 2020 have no type; those with merges are BPE.
    let type = try json.string("type", default: json["merges"] == nil ? nil : "BPE")
    switch type {
    case "BPE": return try BPEModel(json, limits)
    default: throw json.unknownType(type ?? "without a type", of: "model")
    }
  }

  private static func required(_ name: String, _ added: AddedTokens, _ vocabulary: Vocabulary) throws(AviaryError)
    -> Int32
  {
    guard let id = added.id(of: name) ?? vocabulary.id(of: name) else {
      throw AviaryError(.config, "the token \"\(name.prefix(40))\" is in no vocabulary", at: "tokenizer_config.json")
    }
    return id
  }

  public var vocabularySize: Int { max(model.vocabulary.endID, added.endID) }

  public func id(of token: String) -> Int32? { added.id(of: token) ?? model.vocabulary.id(of: token) }

  public func token(_ id: Int32) -> String? { spelling(id).map { String(decoding: $0, as: UTF8.self) } }

  public func isSpecial(_ id: Int32) -> Bool { added.isSpecial(id) }

  private func spelling(_ id: Int32) -> ArraySlice<UInt8>? { added.spelling(id) ?? model.vocabulary.bytes(of: id) }

  public func encode(_ text: MarkedText, addSpecial: Bool) throws(AviaryError) -> [Int32] {
    try limits.check(text)
    let search = PatternSearch(seconds: limits.patternSeconds)
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
    var pieces = PieceBuffer(plain)
    if let preTokenizer { pieces = try preTokenizer.split(pieces, startsText: startsText, search) }
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

/// A decoder over the spellings of tokens.
struct TokenStreamDecoder: StreamDecoder {
  var chain: DecoderChain
  /// nil for an id that is left out.
  let spelling: @Sendable (Int32) -> [UInt8]?

  init(chain: DecoderChain, spelling: @escaping @Sendable (Int32) -> [UInt8]?) {
    self.chain = chain
    self.spelling = spelling
  }

  mutating func next(_ id: Int32) -> String { spelling(id).map { chain.next($0) } ?? "" }
  mutating func finish() -> String { chain.finish() }

  mutating func decode(_ ids: [Int32]) -> String {
    var text = ""
    for id in ids { text += next(id) }
    return text + finish()
  }
}

/// Begin and end of sequence as a checkpoint's `tokenizer_config.json` has them.
public struct TokenFrame: Sendable, Hashable {
  public var bos: String?
  public var eos: String?
  /// Whether encoding adds them; nil leaves it to the tokenizer's own file.
  public var addsBOS: Bool?
  public var addsEOS: Bool

  public init(bos: String? = nil, eos: String? = nil, addsBOS: Bool? = nil, addsEOS: Bool = false) {
    self.bos = bos
    self.eos = eos
    self.addsBOS = addsBOS
    self.addsEOS = addsEOS
  }

  func around(bos: Int32?, eos: Int32?) -> PostProcessor {
    PostProcessor(before: bos.map { [$0] } ?? [], after: eos.map { [$0] } ?? [])
  }
}

extension Limits {
  func check(_ text: MarkedText) throws(AviaryError) {
    guard text.utf8Count <= textBytes else {
      throw AviaryError(.limit, "a text of \(text.utf8Count) bytes", wanted: "at most \(textBytes)")
    }
  }
}

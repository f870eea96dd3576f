public import AviaryCore
public import AviaryTensor
import CSentencePieceShim

/// How a SentencePiece model is used.
public enum SentencePieceMode: Sendable, Hashable {
  /// As the library itself: nothing is added, and the spelling of a control token is plain text.
  case raw
  /// As transformers' slow `LlamaTokenizer`: added tokens split the text.
  ///
  /// - legacy: every part gets the model's blank in front, also behind an added token. Otherwise only the text as a
  ///   whole does.
  /// - addsPrefixBlank: whether the whole text gets one; counts only without `legacy`.
  case huggingFace(legacy: Bool, addsPrefixBlank: Bool)
}

/// The tokenizer of a SentencePiece `tokenizer.model` (https://github.com/google/sentencepiece).
public struct SentencePieceTokenizer: Tokenizer {
  private let mode: SentencePieceMode
  private let vocabulary: Vocabulary
  private let types: [SentencePieceModel.PieceType]
  private let added: AddedTokens
  /// User-defined pieces that must stand in trusted text: the library does not know about trust, so it is not shown
  /// these pieces, and they are found here.
  private let markup: AddedTokenMatcher
  private let engine: Engine
  private let addsDummyPrefix: Bool
  private let unknownSurface: [UInt8]
  private let unknown: Int32
  private let decoder: [DecoderStage]
  private let postProcessor: PostProcessor
  private let limits: Limits

  public let bos: Int32?
  public let eos: Int32?

  private enum Engine: Sendable {
    case bpe(SentencePieceBPE)
    /// With and without the model's blank in front.
    case library(prefixing: SentencePieceProcessor, plain: SentencePieceProcessor)
  }

  /// - Parameters:
  ///   - file: the bytes of `tokenizer.model`.
  ///   - added: tokens of the checkpoint's other files; in raw mode they have ids but are not looked for.
  ///   - frame: BOS and EOS; those without a name are the model's own `<s>` and `</s>`.
  public init(
    _ file: UnsafeRawBufferPointer, mode: SentencePieceMode = .raw, added: [AddedToken] = [],
    frame: TokenFrame = TokenFrame(), limits: Limits = .standard
  ) throws(AviaryError) {
    try self.init(SentencePieceModel(file, limits), mode: mode, added: added, frame: frame, limits: limits)
  }

  init(_ model: SentencePieceModel, mode: SentencePieceMode, added: [AddedToken], frame: TokenFrame, limits: Limits) throws(AviaryError) {
    var controls = ByteStringTable()
    for token in added where token.isControl && mode != .raw { controls.insert(token.content) }
    var vocabulary = Vocabulary(capacity: model.pieces.count)
    var markup = AddedTokenMatcher()
    var hidden: Set<Int32> = []
    var unknown: Int32 = 0
    for (index, piece) in model.pieces.enumerated() {
      let id = Int32(index)
      try vocabulary.add(piece.text.span, id: id, at: "piece \(index)")
      switch piece.type {
      case .unknown: unknown = id
      case .userDefined where SentencePieceTokenizer.isMarkup(piece.text):
        markup.add(AddedToken(String(decoding: piece.text, as: UTF8.self)), id: id, spelling: piece.text)
        hidden.insert(id)
      // A letter that is a control token as well stays a letter.
      case .userDefined, .normal:
        if controls.count > 0, controls.find(piece.text.span) != nil, String(decoding: piece.text, as: UTF8.self).unicodeScalars.count > 1 { hidden.insert(id) }
      default: break
      }
    }
    self.mode = mode
    self.vocabulary = vocabulary
    self.markup = markup
    self.unknown = unknown
    self.limits = limits
    types = model.pieces.map(\.type)
    addsDummyPrefix = model.addsDummyPrefix
    unknownSurface = model.unknownSurface
    if let bpe = try SentencePieceBPE(model, hiding: hidden, at: "model") {
      engine = .bpe(bpe)
    } else {
      let plain = try SentencePieceProcessor(model.serialized(dummyPrefix: false, hiding: hidden))
      engine = .library(
        prefixing: model.addsDummyPrefix
          ? try SentencePieceProcessor(model.serialized(dummyPrefix: true, hiding: hidden)) : plain,
        plain: plain)
    }
    let tokens = try AddedTokens(added, vocabulary, nil, limits)
    self.added = tokens
    let frame = frame.completed(from: model)
    bos = frame.bos.flatMap { tokens.id(of: $0) ?? vocabulary.id(of: $0) }
    eos = frame.eos.flatMap { tokens.id(of: $0) ?? vocabulary.id(of: $0) }
    postProcessor = frame.postProcessor(bos: bos, eos: eos) ?? PostProcessor()
    let dropped = model.removesExtraBlanks ? Int.max : model.addsDummyPrefix ? 1 : 0
    decoder = [.sentencePiece(droppedMarks: dropped)]
  }

  private static func isMarkup(_ piece: [UInt8]) -> Bool {
    let text = String(decoding: piece, as: UTF8.self)
    return AddedToken.looksLikeMarkup(text) && !HTMLTag.isPlain(text)
  }

  public var vocabularySize: Int { max(vocabulary.endID, added.endID) }

  public func id(of token: String) -> Int32? { added.id(of: token) ?? vocabulary.id(of: token) }

  public func token(_ id: Int32) -> String? {
    (added.spelling(id) ?? vocabulary.bytes(of: id)).map { String(decoding: $0, as: UTF8.self) }
  }

  public func isSpecial(_ id: Int32) -> Bool { added.isSpecial(id) || type(of: id) == .control }

  private func type(of id: Int32) -> SentencePieceModel.PieceType? {
    types.indices.contains(Int(id)) ? types[Int(id)] : nil
  }

  public func encode(_ text: MarkedText, addSpecial: Bool) throws(AviaryError) -> [Int32] {
    try limits.check(text)
    var ids: [Int32]
    switch mode {
    case .raw: ids = try encode(plain: text, withPrefix: true)
    case .huggingFace(legacy: true, _):
      ids = try encode(sections: text, withPrefix: true)
    case .huggingFace(legacy: false, let addsPrefixBlank):
      ids = try encode(sections: withBlanks(text, addsPrefixBlank: addsPrefixBlank), withPrefix: false)
      // A blank alone in front of a control token is dropped.
      if ids.count > 1, ids[0] == markID, isSpecial(ids[1]) { ids.removeFirst() }
    }
    return addSpecial ? postProcessor.before + ids + postProcessor.after : ids
  }

  private static let mark = "\u{2581}"
  private var markID: Int32 { vocabulary.id(of: SentencePieceTokenizer.mark) ?? unknown }

  /// The text as the newer behaviour prepares it: marks typed in the text are blanks, and one mark goes in front.
  private func withBlanks(_ text: MarkedText, addsPrefixBlank: Bool) -> MarkedText {
    guard !text.isEmpty else { return text }
    var out = MarkedText()
    if addsPrefixBlank { out.append(SentencePieceTokenizer.mark, trusted: false) }
    let mark = Array(SentencePieceTokenizer.mark.utf8)
    for (range, trusted) in text.stretches {
      let (replaced, rest) = Array(text.slice(range).text.utf8).replacing(mark, with: [0x20])
      out.append(String(decoding: replaced + rest, as: UTF8.self), trusted: trusted)
    }
    return out
  }

  private func encode(sections text: MarkedText, withPrefix: Bool) throws(AviaryError) -> [Int32] {
    var ids: [Int32] = []
    for section in added.raw.sections(of: text) {
      if let id = section.id {
        ids.append(id)
      } else {
        ids += try encode(plain: text.slice(section.range), withPrefix: withPrefix)
      }
    }
    return ids
  }

  /// What SentencePiece makes of a text, with user-defined markup where the text is trusted.
  private func encode(plain text: MarkedText, withPrefix: Bool) throws(AviaryError) -> [Int32] {
    var ids: [Int32] = []
    for section in markup.sections(of: text) {
      let startsText = section.range.lowerBound == 0
      if let id = section.id {
        if startsText, withPrefix, addsDummyPrefix { ids.append(markID) }
        ids.append(id)
      } else {
        let prefix = startsText && withPrefix && addsDummyPrefix
        let bytes = text.text.utf8.span.extracting(section.range)
        switch engine {
        case .bpe(let bpe): bpe.encode(bytes, prefix: prefix, into: &ids)
        case .library(let prefixing, let plain): try (prefix ? prefixing : plain).encode(bytes, into: &ids)
        }
      }
    }
    return ids
  }

  public func decode(_ ids: [Int32], skipSpecial: Bool) -> String {
    var decoder = decoding(skipSpecial: skipSpecial)
    return decoder.decode(ids)
  }

  public func streamDecoder(skipSpecial: Bool) -> any StreamDecoder { decoding(skipSpecial: skipSpecial) }

  private func decoding(skipSpecial: Bool) -> TokenStreamDecoder {
    TokenStreamDecoder(chain: DecoderChain(decoder)) { [self] id in
      if isSpecial(id), skipSpecial || mode == .raw { return nil }
      if let spelling = added.spelling(id) { return Array(spelling) }
      guard let spelling = vocabulary.bytes(of: id) else { return nil }
      switch type(of: id) {
      case .unknown: return unknownSurface
      case .byte: return ByteToken.byte(of: spelling).map { [$0] }
      default: return Array(spelling)
      }
    }
  }
}

/// The library's model. Sendable because encoding does not change it.
private final class SentencePieceProcessor: @unchecked Sendable {
  private let model: OpaquePointer

  init(_ file: [UInt8]) throws(AviaryError) {
    guard let model = file.withUnsafeBytes({ aviary_spm_load($0.baseAddress, $0.count) }) else {
      throw AviaryError(.format, "libsentencepiece refuses the model")
    }
    self.model = model
  }

  deinit { aviary_spm_free(model) }

  func encode(_ text: Span<UInt8>, into ids: inout [Int32]) throws(AviaryError) {
    var found: UnsafeMutablePointer<Int32>?
    let count = text.withUnsafeBytes { bytes in
      aviary_spm_encode(model, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, &found)
    }
    guard count >= 0, let found else { throw AviaryError(.internal, "libsentencepiece cannot encode the text") }
    ids.append(contentsOf: UnsafeBufferPointer(start: found, count: Int(count)))
    aviary_spm_free_ids(found)
  }
}

extension TokenFrame {
  /// With the names of the model's own control pieces where the frame has none.
  fileprivate func completed(from model: SentencePieceModel) -> TokenFrame {
    func control(_ name: String) -> String? {
      model.pieces.contains { $0.type == .control && $0.text.elementsEqual(name.utf8) } ? name : nil
    }
    var frame = self
    frame.bos = bos ?? control("<s>")
    frame.eos = eos ?? control("</s>")
    return frame
  }
}

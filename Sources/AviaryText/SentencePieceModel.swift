import AviaryCore
import AviaryTensor

/// The contents of a `tokenizer.model` (sentencepiece_model.proto), checked.
///
/// The library is never shown the file itself, only what `serialized` writes from checked values: it trusts scores,
/// types and the normaliser's trie as they come, and some flaws make it abort.
struct SentencePieceModel: Sendable {
  enum PieceType: Int, Sendable {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  struct Piece: Sendable {
    var text: [UInt8] = []
    var score: Float = 0
    var type = PieceType.normal
  }

  /// What cuts words: unigram 1, BPE 2, words 3, characters 4.
  private var modelType = 1
  private var hasByteFallback = false
  private var blanksAreSuffixes = false
  private var charsMap: [UInt8] = []
  private var escapesBlanks = true
  private(set) var pieces: [Piece] = []
  private(set) var addsDummyPrefix = true
  private(set) var removesExtraBlanks = true
  /// What an unknown character prints as.
  private(set) var unknownSurface = Array(" \u{2047} ".utf8)

  /// Bytes of the longest piece. The library recurses once for every byte of a piece.
  private static let longestPiece = 1024

  init(_ file: UnsafeRawBufferPointer, _ limits: Limits) throws(AviaryError) {
    var reader = ProtoReader(file, 0..<file.count, at: "model")
    while let field = try reader.next() {
      switch field {
      case .bytes(1, let range):
        guard pieces.count < limits.vocabulary else {
          throw AviaryError(.limit, "too many pieces", wanted: "at most \(limits.vocabulary)")
        }
        pieces.append(try SentencePieceModel.piece(file, range, index: pieces.count))
      case .bytes(2, let range): try readTrainer(file, range)
      case .bytes(3, let range): try readNormalizer(file, range)
      default: break
      }
    }
    try check()
  }

  /// Byte-pair encoding over the text as it is, from pieces that stand in another file.
  init(pieces: [Piece], addsDummyPrefix: Bool) throws(AviaryError) {
    for (index, piece) in pieces.enumerated() { try SentencePieceModel.check(piece, at: "piece \(index)") }
    self.pieces = pieces
    modelType = 2
    self.addsDummyPrefix = addsDummyPrefix
    removesExtraBlanks = false
    hasByteFallback = pieces.contains { $0.type == .byte }
    try check()
  }

  private static func piece(_ file: UnsafeRawBufferPointer, _ range: Range<Int>, index: Int) throws(AviaryError)
    -> Piece
  {
    let place = "piece \(index)"
    var piece = Piece()
    var reader = ProtoReader(file, range, at: place)
    while let field = try reader.next() {
      switch field {
      case .bytes(1, let range): piece.text = Array(file[range])
      case .fixed32(2, let bits): piece.score = Float(bitPattern: bits)
      case .varint(3, let value):
        guard let type = Int(exactly: value).flatMap(PieceType.init) else {
          throw AviaryError(.format, "the piece type \(value)", wanted: "1 to 6", at: place)
        }
        piece.type = type
      default: break
      }
    }
    try check(piece, at: place)
    return piece
  }

  private static func check(_ piece: Piece, at place: String) throws(AviaryError) {
    guard !piece.text.isEmpty, piece.text.count <= longestPiece else {
      throw AviaryError(.format, "a piece of \(piece.text.count) bytes", wanted: "1 to \(longestPiece)", at: place)
    }
    guard !piece.text.contains(0), String(validating: piece.text, as: UTF8.self) != nil else {
      throw AviaryError(.format, "a piece that is not UTF-8 text", at: place)
    }
    guard piece.score.isFinite else {
      throw AviaryError(.format, "the score \(piece.score)", wanted: "a finite number", at: place)
    }
    if piece.type == .byte, ByteToken.byte(of: piece.text[...]).map(ByteToken.spelling) != piece.text {
      throw AviaryError(.format, "a byte piece that is not spelled like <0x0A>", at: place)
    }
  }

  private mutating func readTrainer(_ file: UnsafeRawBufferPointer, _ range: Range<Int>) throws(AviaryError) {
    var reader = ProtoReader(file, range, at: "trainer_spec")
    while let field = try reader.next() {
      switch field {
      case .varint(3, let value):
        guard let type = Int(exactly: value), 1...4 ~= type else {
          throw AviaryError(.format, "the model type \(value)", wanted: "1 to 4", at: "trainer_spec")
        }
        modelType = type
      case .varint(24, let value): blanksAreSuffixes = value != 0
      case .varint(35, let value): hasByteFallback = value != 0
      case .bytes(44, let range): unknownSurface = Array(file[range])
      default: break
      }
    }
  }

  private mutating func readNormalizer(_ file: UnsafeRawBufferPointer, _ range: Range<Int>) throws(AviaryError) {
    var reader = ProtoReader(file, range, at: "normalizer_spec")
    while let field = try reader.next() {
      switch field {
      case .bytes(2, let range): charsMap = Array(file[range])
      case .varint(3, let value): addsDummyPrefix = value != 0
      case .varint(4, let value): removesExtraBlanks = value != 0
      case .varint(5, let value): escapesBlanks = value != 0
      default: break
      }
    }
  }

  private func check() throws(AviaryError) {
    guard !pieces.isEmpty else { throw AviaryError(.format, "the vocabulary is empty") }
    let unknowns = pieces.filter { $0.type == .unknown }.count
    guard unknowns == 1 else { throw AviaryError(.format, "\(unknowns) unknown pieces", wanted: "one") }
    guard pieces.contains(where: { $0.type == .normal }) else { throw AviaryError(.format, "no piece is plain text") }
    let bytes = pieces.filter { $0.type == .byte }.count
    guard bytes == (hasByteFallback ? 256 : 0) else {
      throw AviaryError(.format, "\(bytes) byte pieces", wanted: hasByteFallback ? "256" : "none without byte fallback")
    }
    if !charsMap.isEmpty { try CharsMap.check(charsMap) }
  }

  /// BPE over the text as it is, with its blanks marked: nothing is normalised, and no piece is out of use.
  var isPlainBPE: Bool {
    modelType == 2 && charsMap.isEmpty && escapesBlanks && !blanksAreSuffixes && !removesExtraBlanks
      && !pieces.contains { $0.type == .unused }
  }

  /// The model as a file for the library.
  ///
  /// - Parameters:
  ///   - dummyPrefix: whether encoding puts a blank in front of every text.
  ///   - hiding: pieces that encoding must not find.
  func serialized(dummyPrefix: Bool, hiding: Set<Int32>) -> [UInt8] {
    var model = ProtoWriter()
    for (id, piece) in pieces.enumerated() {
      var message = ProtoWriter()
      message.bytes(1, piece.text)
      message.float(2, piece.score)
      message.varint(3, (hiding.contains(Int32(id)) ? PieceType.control : piece.type).rawValue)
      model.bytes(1, message.bytes)
    }
    var trainer = ProtoWriter()
    trainer.varint(3, modelType)
    trainer.varint(24, blanksAreSuffixes ? 1 : 0)
    trainer.varint(35, hasByteFallback ? 1 : 0)
    model.bytes(2, trainer.bytes)
    var normalizer = ProtoWriter()
    normalizer.bytes(2, charsMap)
    normalizer.varint(3, dummyPrefix ? 1 : 0)
    normalizer.varint(4, removesExtraBlanks ? 1 : 0)
    normalizer.varint(5, escapesBlanks ? 1 : 0)
    model.bytes(3, normalizer.bytes)
    return model.bytes
  }
}

/// The normaliser's table inside a model: the size of a double-array trie, the trie, and the texts that its values
/// point into. The library follows its links without looking, so all that can be reached is walked here first.
enum CharsMap {
  static func check(_ map: [UInt8]) throws(AviaryError) {
    let flaw = AviaryError(.format, "the normaliser's table is damaged", at: "normalizer_spec")
    guard map.count > 4 else { throw flaw }
    let size = Int(word(map, at: 0))
    guard size >= 1024, size % 4 == 0, size < map.count - 4, map.last == 0 else { throw flaw }
    let texts = map.count - 4 - size
    let units = (0..<size / 4).map { word(map, at: 4 + $0 * 4) }
    var seen = [Bool](repeating: false, count: units.count)
    var open = [0]
    seen[0] = true
    while let node = open.popLast() {
      let base = node ^ offset(of: units[node])
      // Children lie anywhere in the block of 256 units around their base.
      guard base | 0xff < units.count else { throw flaw }
      if units[node] >> 8 & 1 == 1 {
        guard Int(units[base] & 0x7fff_ffff) < texts else { throw flaw }
      }
      for label in 1...255 {
        let child = base ^ label
        // A unit belongs to this parent when it carries the label; a set top bit marks a value.
        if units[child] & 0x8000_00ff == UInt32(label), !seen[child] {
          seen[child] = true
          open.append(child)
        }
      }
    }
  }

  private static func word(_ bytes: [UInt8], at start: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) }
  }

  /// Darts-clone keeps 21 bits of offset, with one bit that says whether they count in blocks of 256.
  private static func offset(of unit: UInt32) -> Int { Int((unit >> 10) << ((unit & 1 << 9) >> 6)) }
}

import AviaryTensor

/// SentencePiece's BPE without the library, for models that do no more to a text than mark its blanks.
///
/// These are the models of Llama and its kin. The library needs nine seconds and gigabytes for ten megabytes of one
/// letter; this shares the merging of all other tokenizers. Ids equal the library's.
struct SentencePieceBPE: Sendable {
  private let merger: BytePairMerger
  private let vocabulary: Vocabulary
  /// Scalars that are part of pieces but no pieces themselves; their ids follow the vocabulary's and are never given
  /// out.
  private let extras: Vocabulary
  /// User-defined pieces, which are found first and merge with nothing.
  private let userDefined: ByteTrie
  private let byteIDs: [Int32]
  private let unknown: Int32

  /// nil where the model needs the library: another kind of model, a normaliser, or unused pieces.
  ///
  /// - Parameter hiding: pieces that must not be found.
  init?(_ model: SentencePieceModel, hiding: Set<Int32>, at place: String) throws(AviaryError) {
    guard model.isPlainBPE else { return nil }
    var vocabulary = Vocabulary(capacity: model.pieces.count)
    var userDefined = ByteTrie()
    var byteIDs: [Int32] = []
    var unknown: Int32 = 0
    for (index, piece) in model.pieces.enumerated() where !hiding.contains(Int32(index)) {
      let id = Int32(index)
      switch piece.type {
      case .userDefined:
        userDefined.insert(piece.text, id)
        try vocabulary.add(piece.text.span, id: id, at: place)
      case .normal: try vocabulary.add(piece.text.span, id: id, at: place)
      case .unknown: unknown = id
      case .byte: byteIDs.append(id)
      case .control, .unused: break
      }
    }
    // The model has been checked: if there are byte pieces, each byte has one.
    byteIDs.sort { model.pieces[Int($0)].text.lexicographicallyPrecedes(model.pieces[Int($1)].text) }
    var extras = Vocabulary()
    for id in vocabulary.allIDs {
      let text = model.pieces[Int(id)].text
      var i = 0
      while i < text.count {
        let end = min(text.count, i + UTF8Scalar.length(lead: text[i]))
        let scalar = text.span.extracting(i..<end)
        if vocabulary.id(of: scalar) == nil, extras.id(of: scalar) == nil { try extras.add(scalar, id: Int32(model.pieces.count + extras.count), at: place) }
        i = end
      }
    }
    self.vocabulary = vocabulary
    self.extras = extras
    self.userDefined = userDefined
    self.byteIDs = byteIDs
    self.unknown = unknown
    merger = BytePairMerger(merges: SentencePieceBPE.merges(model, vocabulary, extras))
  }

  /// Every way to cut a piece into two symbols is a merge; pieces of equal score have equal rank.
  private static func merges(_ model: SentencePieceModel, _ vocabulary: Vocabulary, _ extras: Vocabulary) -> PairTable {
    let scores = Set(vocabulary.allIDs.map { model.pieces[Int($0)].score }).sorted(by: >)
    let ranks = Dictionary(uniqueKeysWithValues: scores.enumerated().map { ($1, Int32($0)) })
    var table = PairTable(capacity: vocabulary.count * 4)
    for id in vocabulary.allIDs {
      let text = model.pieces[Int(id)].text
      let bytes = text.span
      let rank = ranks[model.pieces[Int(id)].score] ?? 0
      for cut in 1..<max(1, bytes.count) where bytes[cut] & 0xc0 != 0x80 {
        let (low, high) = (bytes.extracting(0..<cut), bytes.extracting(cut..<bytes.count))
        guard let left = vocabulary.id(of: low) ?? extras.id(of: low),
          let right = vocabulary.id(of: high) ?? extras.id(of: high)
        else { continue }
        table.set(left, right, PairTable.Value(rank: rank, merged: id))
      }
    }
    return table
  }

  private static let mark = Array("\u{2581}".utf8)

  /// - Parameter prefix: put a marked blank in front.
  func encode(_ text: Span<UInt8>, prefix: Bool, into ids: inout [Int32]) {
    guard text.count > 0 else { return }
    var marked = prefix ? SentencePieceBPE.mark : []
    marked.reserveCapacity(text.count + text.count / 4)
    for i in text.indices {
      if text[i] == 0x20 { marked.append(contentsOf: SentencePieceBPE.mark) } else { marked.append(text[i]) }
    }
    let bytes = marked.span
    var out: [Int32] = []
    var symbols: [Int32] = []
    var i = 0
    while i < bytes.count {
      if let (id, end) = longestUserDefined(bytes, from: i) {
        flush(&symbols, into: &out)
        out.append(id)
        i = end
        continue
      }
      let end = min(bytes.count, i + UTF8Scalar.length(lead: bytes[i]))
      let scalar = bytes.extracting(i..<end)
      if let id = vocabulary.id(of: scalar) ?? extras.id(of: scalar) {
        symbols.append(id)
      } else {
        append(unknown: scalar, to: &symbols)
      }
      i = end
    }
    flush(&symbols, into: &out)
    ids += out
  }

  private func longestUserDefined(_ bytes: Span<UInt8>, from start: Int) -> (Int32, end: Int)? {
    guard userDefined.begins(with: bytes[start]) else { return nil }
    var best: (Int32, end: Int)?
    var node = ByteTrie.root
    var i = start
    while i < bytes.count, let next = userDefined.next(node, bytes[i]) {
      node = next
      i += 1
      if let id = userDefined.value(at: node) { best = (id, i) }
    }
    return best
  }

  /// A scalar without a piece: its bytes, or the unknown piece.
  private func append(unknown scalar: Span<UInt8>, to symbols: inout [Int32]) {
    if byteIDs.isEmpty {
      symbols.append(unknown)
    } else {
      for i in scalar.indices { symbols.append(byteIDs[Int(scalar[i])]) }
    }
  }

  /// Merges the symbols gathered; neighbouring unknown pieces become one.
  private func flush(_ symbols: inout [Int32], into out: inout [Int32]) {
    merger.merge(&symbols)
    for symbol in symbols {
      guard let extra = extras.bytes(of: symbol) else {
        if symbol != unknown || out.last != unknown { out.append(symbol) }
        continue
      }
      var replaced: [Int32] = []
      append(unknown: Array(extra).span, to: &replaced)
      for id in replaced where id != unknown || out.last != unknown { out.append(id) }
    }
    symbols.removeAll(keepingCapacity: true)
  }
}

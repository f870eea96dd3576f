import AviaryCore
import AviaryTensor

/// A model that turns one piece of text into ids.
protocol SubwordModel: Sendable {
  var vocabulary: Vocabulary { get }
  func encode(_ word: Span<UInt8>, _ cache: inout WordCache, into ids: inout [Int32])
}

/// Byte-pair encoding over the characters of a word, as the `BPE` model of a `tokenizer.json` has it.
struct BPEModel: SubwordModel {
  let vocabulary: Vocabulary
  private let merger: BytePairMerger
  private let unknown: Int32?
  private let fusesUnknown: Bool
  private let byteFallback: ByteFallback
  /// Whether a word that is a token needs no merging.
  private let takesWholeWords: Bool
  private let forbidden: ByteStringTable
  /// Ids of the characters below U+0800, -1 for none: the alphabet of nearly all lookups.
  private let shortIDs: [Int32]

  /// - Parameter forbidden: control tokens. They may stand in the vocabulary, yet no merging makes one.
  init(_ json: JSONReader, forbidding forbidden: ByteStringTable, _ limits: Limits) throws(AviaryError) {
    self.forbidden = forbidden
    try BPEModel.refuseUnsupported(json)
    vocabulary = try Vocabulary(try json.required("vocab"), limits)
    merger = BytePairMerger(merges: try BPEModel.merges(try json.required("merges"), vocabulary, forbidden))
    fusesUnknown = try json.bool("fuse_unk", default: false)
    takesWholeWords = try json.bool("ignore_merges", default: false)
    if let name = try json.string("unk_token", default: nil) {
      guard let id = vocabulary.id(of: name) else {
        throw AviaryError(
          .format, "the unknown token \"\(name.prefix(40))\" is not in the vocabulary", at: "\(json.path).unk_token")
      }
      unknown = id
    } else {
      unknown = nil
    }
    byteFallback = try ByteFallback(json, vocabulary)
    shortIDs = BPEModel.shortIDs(vocabulary)
  }

  /// - Parameter merges: "left right", the first to be joined first.
  init(_ vocabulary: Vocabulary, merges: [[UInt8]], takesWholeWords: Bool, forbidding forbidden: ByteStringTable) throws(AviaryError) {
    self.vocabulary = vocabulary
    self.forbidden = forbidden
    self.takesWholeWords = takesWholeWords
    (unknown, fusesUnknown, byteFallback) = (nil, false, ByteFallback())
    let table = try BPEModel.table(merges.count, forbidden, at: "merges") { rank, joined in
      let line = merges[rank]
      return Merge.resolve(line: line.span, vocabulary, &joined)
    } describe: {
      "\"\(String(decoding: merges[$0], as: UTF8.self).prefix(40))\""
    }
    merger = BytePairMerger(merges: table)
    shortIDs = BPEModel.shortIDs(vocabulary)
  }

  private static func shortIDs(_ vocabulary: Vocabulary) -> [Int32] {
    var short = [Int32](repeating: -1, count: 0x800)
    for value in short.indices {
      guard let scalar = Unicode.Scalar(UInt32(value)) else { continue }
      short[value] = vocabulary.id(of: String(Character(scalar))) ?? -1
    }
    return short
  }

  func encode(_ word: Span<UInt8>, _ cache: inout WordCache, into ids: inout [Int32]) {
    if let known = cache.find(word) {
      ids.append(contentsOf: known)
      return
    }
    if takesWholeWords, let id = vocabulary.id(of: word), forbidden.find(word) == nil {
      ids.append(id)
      return
    }
    var symbols = self.symbols(of: word)
    merger.merge(&symbols)
    cache.insert(word, symbols)
    ids.append(contentsOf: symbols)
  }

  /// One symbol for each character; bytes, the unknown token or nothing where it is not in the vocabulary. As in the
  /// Rust library an unknown token waits until the next character of the vocabulary, or the end.
  private func symbols(of word: Span<UInt8>) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    var waiting: Int32?
    var i = 0
    while i < word.count {
      let end = min(word.count, i + UTF8Scalar.length(lead: word[i]))
      let character = word.extracting(i..<end)
      i = end
      if let id = id(of: character) {
        if let waiting { symbols.append(waiting) }
        waiting = nil
        symbols.append(id)
      } else if let bytes = byteFallback.ids(of: character) {
        symbols.append(contentsOf: bytes)
      } else if let unknown {
        if let waiting, !fusesUnknown { symbols.append(waiting) }
        waiting = unknown
      }
    }
    if let waiting { symbols.append(waiting) }
    return symbols
  }

  private func id(of character: Span<UInt8>) -> Int32? {
    let id: Int32
    switch character.count {
    case 1: id = shortIDs[Int(character[0] & 0x7f)]
    case 2: id = shortIDs[Int(character[0] & 0x1f) << 6 | Int(character[1] & 0x3f)]
    default: return vocabulary.id(of: character)
    }
    return id < 0 ? nil : id
  }

  private static func refuseUnsupported(_ json: JSONReader) throws(AviaryError) {
    for key in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let affix = try json.string(key, default: nil), !affix.isEmpty {
        throw AviaryError(.format, "subwords marked by \"\(affix.prefix(20))\" are not supported", at: "\(json.path).\(key)")
      }
    }
    if let dropout = json["dropout"], dropout.value.double != 0 {
      throw AviaryError(.format, "merging with dropout is not supported", at: dropout.path)
    }
  }

  /// Reads merges as "left right" or ["left", "right"]; a merge that stands twice has the rank of the later place.
  private static func merges(_ json: JSONReader, _ vocabulary: Vocabulary, _ forbidden: ByteStringTable)
    throws(AviaryError) -> PairTable
  {
    guard let array = json.value.array else { throw json.unfit("an array") }
    return try table(array.count, forbidden, at: json.path) { rank, joined in
      switch array[rank] {
      case .string(let text): return Merge.resolve(line: text.utf8.span, vocabulary, &joined)
      case .array(let parts):
        guard parts.count == 2, case .string(let left) = parts[0], case .string(let right) = parts[1] else { return nil }
        return Merge.resolve(left.utf8.span, right.utf8.span, vocabulary, &joined)
      default: return nil
      }
    } describe: {
      describe(array[$0])
    }
  }

  /// - Parameters:
  ///   - merge: the ids of the merge of that rank, nil where it is none; its second argument is scratch memory, and holds
  ///     the joined spelling afterwards.
  private static func table(
    _ count: Int, _ forbidden: ByteStringTable, at place: String, merge: (Int, inout [UInt8]) -> (left: Int32, right: Int32, merged: Int32)?,
    describe: (Int) -> String
  ) throws(AviaryError) -> PairTable {
    guard count < Int(Int32.max) else { throw AviaryError(.limit, "\(count) merges", at: place) }
    var table = PairTable(capacity: count)
    var joined: [UInt8] = []
    for rank in 0..<count {
      guard let merge = merge(rank, &joined) else {
        throw AviaryError(
          .format, "the merge \(describe(rank)) is malformed or names a token that is not in the vocabulary",
          wanted: "two tokens whose join is a token", at: "\(place)[\(rank)]")
      }
      if forbidden.count > 0, forbidden.find(joined.span) != nil { continue }
      table.set(merge.left, merge.right, PairTable.Value(rank: Int32(rank), merged: merge.merged))
    }
    return table
  }

  private static func describe(_ entry: JSONValue) -> String {
    if case .array(let parts) = entry { return "[" + parts.prefix(3).map(describe).joined(separator: ", ") + "]" }
    return entry.string.map { "\"\($0.prefix(40))\"" } ?? entry.kindDescription
  }
}

/// One line of a merge list.
enum Merge {
  /// The place of the only blank; nil where there is none, or more.
  static func blank(in text: Span<UInt8>) -> Int? {
    var found: Int?
    for i in text.indices where text[i] == 0x20 {
      guard found == nil else { return nil }
      found = i
    }
    return found
  }

  /// The ids of the halves of a line, "left right", and of their join.
  static func resolve(line: Span<UInt8>, _ vocabulary: Vocabulary, _ joined: inout [UInt8]) -> (left: Int32, right: Int32, merged: Int32)? {
    blank(in: line).flatMap { resolve(line.extracting(0..<$0), line.extracting($0 + 1..<line.count), vocabulary, &joined) }
  }

  /// The ids of both halves and of their join; nil where one of them is no token.
  ///
  /// - Parameter joined: scratch memory.
  static func resolve(_ left: Span<UInt8>, _ right: Span<UInt8>, _ vocabulary: Vocabulary, _ joined: inout [UInt8]) -> (
    left: Int32, right: Int32, merged: Int32
  )? {
    // An empty half would let a symbol merge into itself for ever.
    guard left.count > 0, right.count > 0, let l = vocabulary.id(of: left), let r = vocabulary.id(of: right) else {
      return nil
    }
    joined.removeAll(keepingCapacity: true)
    joined.append(copying: left)
    joined.append(copying: right)
    return vocabulary.id(of: joined.span).map { (l, r, $0) }
  }
}

public import AviaryCore
public import AviaryTensor

extension SubwordTokenizer {
  /// The tokenizer of a tiktoken rank file, such as `qwen.tiktoken`: byte-level BPE whose merges are told by the ranks
  /// of the joined tokens (https://github.com/openai/tiktoken).
  ///
  /// - Parameters:
  ///   - ranks: the file's bytes; a line holds the token in base64, a blank, and its rank, which is its id.
  ///   - pattern: cuts the text into words.
  ///   - special: the control tokens; those without an id follow the ranks.
  ///   - composes: bring the text into NFC first, as Qwen does.
  public init(
    tiktoken ranks: UnsafeRawBufferPointer, pattern: String, special: [AddedToken], composes: Bool,
    frame: TokenFrame = TokenFrame(), limits: Limits = .standard
  ) throws(AviaryError) {
    try self.init(
      preparer: composes ? .nfc : nil, added: special,
      preTokenizer: .split(TextPattern(pattern), .isolated, invert: false), model: RankModel(ranks, limits),
      decoder: [], frame: frame, limits: limits)
  }
}

/// Byte-pair encoding over bytes, with the ranks of a tiktoken file.
struct RankModel: SubwordModel {
  let vocabulary: Vocabulary
  private let merger: BytePairMerger
  private let byteIDs: [Int32]

  init(_ file: UnsafeRawBufferPointer, _ limits: Limits) throws(AviaryError) {
    vocabulary = try RankModel.read(file, limits)
    var ids: [Int32] = []
    for byte in UInt8.min...UInt8.max {
      guard let id = vocabulary.id(of: [byte]) else {
        throw AviaryError(.format, "the byte \(byte) is no token", wanted: "a rank for each of the 256 bytes")
      }
      ids.append(id)
    }
    byteIDs = ids
    merger = BytePairMerger(merges: RankModel.merges(vocabulary))
  }

  func encode(_ word: Span<UInt8>, _ cache: inout WordCache, into ids: inout [Int32]) {
    if let id = vocabulary.id(of: word) {
      ids.append(id)
    } else if let known = cache.find(word) {
      ids.append(contentsOf: known)
    } else {
      var symbols: [Int32] = []
      symbols.reserveCapacity(word.count)
      for i in word.indices { symbols.append(byteIDs[Int(word[i])]) }
      merger.merge(&symbols)
      cache.insert(word, symbols)
      ids.append(contentsOf: symbols)
    }
  }

  private static func read(_ file: UnsafeRawBufferPointer, _ limits: Limits) throws(AviaryError) -> Vocabulary {
    var vocabulary = Vocabulary(capacity: min(file.count / 12, limits.vocabulary))
    var number = 0
    for line in file.split(separator: 0x0a) where !line.isEmpty {
      number += 1
      let parts = line.last == 0x0d ? line.dropLast().split(separator: 0x20) : line.split(separator: 0x20)
      guard parts.count == 2, let token = Base64.decode(parts[0]), !token.isEmpty,
        let rank = Int32(String(decoding: parts[1], as: UTF8.self))
      else {
        throw AviaryError(.format, "a malformed line", wanted: "base64, a blank and a rank", at: "line \(number)")
      }
      guard rank >= 0, Int(rank) < limits.vocabulary else {
        throw AviaryError(.limit, "the rank \(rank)", wanted: "0 to \(limits.vocabulary - 1)", at: "line \(number)")
      }
      try vocabulary.add(token.span, id: rank, at: "line \(number)")
    }
    guard vocabulary.count > 0 else { throw AviaryError(.format, "there are no ranks in the file") }
    return vocabulary
  }

  /// Every way to cut a token into two tokens is a merge, and its rank is the token's.
  private static func merges(_ vocabulary: Vocabulary) -> PairTable {
    var table = PairTable(capacity: vocabulary.count * 4)
    for id in vocabulary.allIDs {
      guard let token = vocabulary.bytes(of: id).map(Array.init) else { continue }
      let bytes = token.span
      for cut in 1..<max(1, bytes.count) {
        guard let left = vocabulary.id(of: bytes.extracting(0..<cut)),
          let right = vocabulary.id(of: bytes.extracting(cut..<bytes.count))
        else { continue }
        table.set(left, right, PairTable.Value(rank: id, merged: id))
      }
    }
    return table
  }
}

/// Base64 with padding (RFC 4648, section 4).
enum Base64 {
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var out: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    var padding = 0
    for character in text {
      if character == UInt8(ascii: "=") {
        padding += 1
        bits <<= 6
      } else {
        guard padding == 0, let value = value(of: character) else { return nil }
        bits = bits << 6 | value
      }
      count += 1
      if count % 4 == 0 {
        guard padding <= 2 else { return nil }
        let three = [UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8), UInt8(truncatingIfNeeded: bits)]
        out.append(contentsOf: three.dropLast(padding))
        bits = 0
      }
    }
    return out
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character) - 48 + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}

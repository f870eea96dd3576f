import AviaryCore
import AviaryTensor

/// What becomes of the matches of a splitting pattern.
enum SplitBehavior: String, Sendable {
  case removed = "Removed"
  case isolated = "Isolated"
  case mergedWithPrevious = "MergedWithPrevious"
  case mergedWithNext = "MergedWithNext"
  case contiguous = "Contiguous"
}

/// A pre-tokeniser of a `tokenizer.json`: it cuts a text into the pieces that the model sees one by one.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case split(TextPattern, SplitBehavior, invert: Bool)
  /// Spells bytes in the printable alphabet, after an optional split.
  case byteLevel(addPrefixSpace: Bool, split: TextPattern?)
  case metaspace(Metaspace)

  /// GPT-2's pattern, in the form that all byte-level tokenizers share.
  static let gpt2Pattern =
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

  init(_ json: JSONReader) throws(AviaryError) {
    let type = try json.string("type")
    switch type {
    case "Sequence":
      var parts: [PreTokenizer] = []
      for part in try json.required("pretokenizers").elements() { parts.append(try PreTokenizer(part)) }
      self = .sequence(parts)
    case "ByteLevel":
      let pattern = try json.bool("use_regex", default: true) ? try TextPattern(PreTokenizer.gpt2Pattern) : nil
      self = .byteLevel(addPrefixSpace: try json.bool("add_prefix_space", default: true), split: pattern)
    case "Split":
      let pattern = try TextPattern(json: json.required("pattern"))
      self = .split(pattern, try json.behavior(), invert: try json.bool("invert", default: false))
    case "Digits":
      let single = try json.bool("individual_digits", default: false)
      self = .split(try TextPattern(#"\p{N}"#), single ? .isolated : .contiguous, invert: false)
    case "Punctuation":
      let behavior = json["behavior"] == nil ? .isolated : try json.behavior()
      self = .split(try TextPattern(#"[\p{P}!-\/:-@\[-`{-~]"#), behavior, invert: false)
    case "Whitespace":
      // This one is written with Rust's `\w`, that of Unicode Technical Standard 18.
      let word = #"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{200c}\x{200d}"#
      self = .split(try TextPattern("[\(word)]+|[^\(word)\\s]+"), .removed, invert: true)
    case "WhitespaceSplit":
      self = .split(try TextPattern(#"\s"#), .removed, invert: false)
    case "Metaspace":
      self = .metaspace(try Metaspace(json))
    default: throw json.unknownType(type, of: "pre-tokenizer")
    }
  }

  func split(_ pieces: PieceBuffer, _ search: PatternSearch) throws(AviaryError) -> PieceBuffer {
    switch self {
    case .sequence(let parts):
      var pieces = pieces
      for part in parts { pieces = try part.split(pieces, search) }
      return pieces
    case .split(let pattern, let behavior, let invert):
      return try pieces.split(by: pattern, behavior, invert: invert, search)
    case .byteLevel(let addPrefixSpace, let pattern):
      var pieces = addPrefixSpace ? pieces.prefixed(with: 0x20) : pieces
      if let pattern { pieces = try pieces.split(by: pattern, .isolated, invert: false, search) }
      return pieces.spelled()
    case .metaspace(let metaspace):
      return try metaspace.split(pieces, search)
    }
  }
}

/// SentencePiece's way with blanks: each becomes a visible mark, and words begin with one.
struct Metaspace: Sendable {
  enum Prepend: String, Sendable {
    case always, first, never
  }

  let mark: [UInt8]
  let prepend: Prepend
  /// The pattern of the mark, where pieces are to begin at each one.
  private let split: TextPattern?

  init(_ json: JSONReader) throws(AviaryError) {
    mark = Array((try json.string("replacement", default: nil) ?? "▁").utf8)
    guard !mark.isEmpty else { throw AviaryError(.format, "the replacement is empty", at: json.path) }
    let addPrefix = try json.bool("add_prefix_space", default: true)
    if let scheme = json["prepend_scheme"] {
      guard let prepend = Prepend(rawValue: try scheme.string()) else {
        throw scheme.unfit("\"always\", \"first\" or \"never\"")
      }
      self.prepend = prepend
    } else {
      prepend = addPrefix ? .always : .never
    }
    split = try json.bool("split", default: true) ? try TextPattern(literal: String(decoding: mark, as: UTF8.self)) : nil
  }

  fileprivate func split(_ pieces: PieceBuffer, _ search: PatternSearch) throws(AviaryError) -> PieceBuffer {
    var marked = PieceBuffer(startsText: pieces.startsText)
    for piece in 0..<pieces.count {
      marked.append { out in
        let start = out.count
        for byte in pieces.bytes[pieces.range(piece)] {
          if byte == 0x20 { out.append(contentsOf: mark) } else { out.append(byte) }
        }
        let wanted = prepend == .always || prepend == .first && pieces.startsText && piece == 0
        if wanted, !out[start...].starts(with: mark) { out.insert(contentsOf: mark, at: start) }
      }
    }
    guard let split else { return marked }
    return try marked.split(by: split, .mergedWithNext, invert: false, search)
  }
}

extension JSONReader {
  fileprivate func behavior() throws(AviaryError) -> SplitBehavior {
    let member = try required("behavior")
    guard let behavior = SplitBehavior(rawValue: try member.string()) else {
      throw member.unfit("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous")
    }
    return behavior
  }
}

extension PieceBuffer {
  /// Every piece with that byte in front, unless it begins with it.
  fileprivate func prefixed(with byte: UInt8) -> PieceBuffer {
    var out = PieceBuffer(startsText: startsText)
    for piece in 0..<count {
      out.append { text in
        if bytes[range(piece).lowerBound] != byte { text.append(byte) }
        text.append(contentsOf: bytes[range(piece)])
      }
    }
    return out
  }

  /// Every piece in the alphabet of byte-level vocabularies.
  fileprivate func spelled() -> PieceBuffer {
    var out = PieceBuffer(startsText: startsText)
    for piece in 0..<count {
      out.append { ByteAlphabet.spell(bytes.span.extracting(range(piece)), into: &$0) }
    }
    return out
  }

  fileprivate func split(by pattern: TextPattern, _ behavior: SplitBehavior, invert: Bool, _ search: PatternSearch)
    throws(AviaryError) -> PieceBuffer
  {
    var out = PieceBuffer(startsText: startsText)
    var found: [Range<Int>] = []
    for piece in 0..<count {
      let range = range(piece)
      try search.matches(pattern, in: bytes.span, range, into: &found)
      var parts: [(Range<Int>, isMatch: Bool)] = []
      parts.reserveCapacity(found.count * 2 + 1)
      var start = range.lowerBound
      for match in found {
        if start < match.lowerBound { parts.append((start..<match.lowerBound, invert)) }
        parts.append((match, !invert))
        start = match.upperBound
      }
      if start < range.upperBound { parts.append((start..<range.upperBound, invert)) }
      let joined = behavior.join(parts)
      if piece == 0, joined.first?.lowerBound != 0 { out.startsText = false }
      for part in joined { out.append(part, of: bytes) }
    }
    return out
  }
}

extension SplitBehavior {
  /// Joins or drops neighbouring parts as the behaviour says.
  fileprivate func join(_ parts: [(Range<Int>, isMatch: Bool)]) -> [Range<Int>] {
    var out: [Range<Int>] = []
    var previous: Bool?
    switch self {
    case .isolated: return parts.map(\.0)
    case .removed: return parts.compactMap { $0.isMatch ? nil : $0.0 }
    case .contiguous:
      for (range, isMatch) in parts {
        if isMatch == previous, let last = out.popLast() {
          out.append(last.lowerBound..<range.upperBound)
        } else {
          out.append(range)
        }
        previous = isMatch
      }
    case .mergedWithPrevious:
      for (range, isMatch) in parts {
        if isMatch, previous == false, let last = out.popLast() {
          out.append(last.lowerBound..<range.upperBound)
        } else {
          out.append(range)
        }
        previous = isMatch
      }
    case .mergedWithNext:
      for (range, isMatch) in parts.reversed() {
        if isMatch, previous == false, let last = out.popLast() {
          out.append(range.lowerBound..<last.upperBound)
        } else {
          out.append(range)
        }
        previous = isMatch
      }
      out.reverse()
    }
    return out
  }
}

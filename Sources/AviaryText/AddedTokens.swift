import AviaryCore
import AviaryTensor

/// The tokens beside a vocabulary: their ids, and where a text holds them.
struct AddedTokens: Sendable {
  private var names = Vocabulary()
  private var specials: Set<Int32> = []
  /// Tokens looked for in the text as it came.
  private(set) var raw = AddedTokenMatcher()
  /// Tokens looked for in the normalised text.
  private(set) var normalized = AddedTokenMatcher()

  /// - Parameters:
  ///   - tokens: those without an id get the id of their spelling, or the next free one. A token that stands twice is
  ///     the later one.
  ///   - vocabulary: the model's own.
  init(_ tokens: [AddedToken], _ vocabulary: Vocabulary, _ normalizer: Normalizer?, _ limits: Limits)
    throws(AviaryError)
  {
    let search = PatternSearch(seconds: limits.patternSeconds)
    var last = ByteStringTable(capacity: tokens.count)
    var unique: [AddedToken] = []
    for token in tokens {
      let (index, isNew) = last.insert(token.content)
      if isNew {
        unique.append(token)
      } else {
        unique[index] = AddedTokens.merge(unique[index], token)
      }
    }
    for token in unique {
      let id = try place(token, vocabulary, limits)
      if token.special { specials.insert(id) }
      let spelling = Array(token.content.utf8)
      if token.normalized {
        normalized.add(token, id: id, spelling: try normalizer?.normalize(spelling, search) ?? spelling)
      } else {
        raw.add(token, id: id, spelling: spelling)
      }
    }
  }

  /// A later entry replaces an earlier one. Without an id it is only a mention, which can make a token special.
  private static func merge(_ old: AddedToken, _ new: AddedToken) -> AddedToken {
    guard new.id == nil else { return new }
    var merged = old
    merged.special = old.special || new.special
    return merged
  }

  private mutating func place(_ token: AddedToken, _ vocabulary: Vocabulary, _ limits: Limits) throws(AviaryError)
    -> Int32
  {
    let known = vocabulary.id(of: token.content)
    let id = token.id ?? known ?? Int32(max(vocabulary.endID, names.endID))
    let place = "added token \"\(token.content.prefix(40))\""
    guard Int(id) < limits.vocabulary else {
      throw AviaryError(.limit, "the id \(id)", wanted: "below \(limits.vocabulary)", at: place)
    }
    if let known, known != id {
      throw AviaryError(.format, "it has the id \(id), and \(known) in the vocabulary", at: place)
    }
    if known == nil, let other = vocabulary.bytes(of: id) {
      let other = String(decoding: other, as: UTF8.self)
      throw AviaryError(.format, "its id \(id) is that of \"\(other.prefix(40))\"", at: place)
    }
    try names.add(token.content.utf8.span, id: id, at: place)
    return id
  }

  /// One more than the largest id.
  var endID: Int { names.endID }
  func id(of token: String) -> Int32? { names.id(of: token) }
  func spelling(_ id: Int32) -> ArraySlice<UInt8>? { names.bytes(of: id) }
  func isSpecial(_ id: Int32) -> Bool { specials.contains(id) }
}

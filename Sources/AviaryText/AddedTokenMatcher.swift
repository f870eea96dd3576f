import AviaryCore

/// Finds added tokens in a text: the leftmost, and of those the longest. Control tokens count in trusted text only.
struct AddedTokenMatcher: Sendable {
  /// A stretch of a text, and the token that it is, if any.
  struct Section: Hashable {
    var range: Range<Int>
    var id: Int32?
  }

  private struct Entry: Sendable {
    var id: Int32
    var isControl: Bool
    var lstrip: Bool
    var rstrip: Bool
    var singleWord: Bool
  }

  /// Bytes of the longest added token, which bounds the work at each place of a text.
  static let longestToken = 512

  private var entries: [Entry] = []
  /// Spellings, with the index of their entry.
  private var trie = ByteTrie()
  private(set) var hasControl = false

  var isEmpty: Bool { entries.isEmpty }

  /// - Parameter spelling: what to look for; the token's content, normalised where the token is.
  mutating func add(_ token: AddedToken, id: Int32, spelling: [UInt8]) {
    guard !spelling.isEmpty else { return }
    trie.insert(spelling, Int32(entries.count))
    hasControl = hasControl || token.isControl
    entries.append(
      Entry(
        id: id, isControl: token.isControl, lstrip: token.lstrip, rstrip: token.rstrip, singleWord: token.singleWord))
  }

  /// Cuts a text into its tokens and what lies between them; together they cover it.
  func sections(of text: MarkedText) -> [Section] {
    let bytes = text.text.utf8.span
    guard !isEmpty, bytes.count > 0 else { return bytes.count > 0 ? [Section(range: 0..<bytes.count)] : [] }
    var sections: [Section] = []
    var covered = 0
    var i = 0
    while i < bytes.count {
      guard trie.begins(with: bytes[i]), let (entry, end) = longest(in: text, bytes, from: i) else {
        i += 1
        continue
      }
      var range = i..<end
      i = end
      if entry.singleWord, Blanks.endsInWord(bytes, at: range.lowerBound) || Blanks.startsWord(bytes, at: end) {
        continue
      }
      if entry.lstrip {
        range = max(covered, Blanks.start(ofRunBefore: range.lowerBound, bytes))..<range.upperBound
      }
      if entry.rstrip { range = range.lowerBound..<Blanks.end(ofRunFrom: range.upperBound, bytes) }
      // The blanks that the token before took along may reach past the beginning of this one.
      guard range.lowerBound >= covered else { continue }
      if covered < range.lowerBound { sections.append(Section(range: covered..<range.lowerBound)) }
      sections.append(Section(range: range, id: entry.id))
      covered = range.upperBound
    }
    if covered < bytes.count { sections.append(Section(range: covered..<bytes.count)) }
    return sections
  }

  private func longest(in text: MarkedText, _ bytes: Span<UInt8>, from start: Int) -> (Entry, end: Int)? {
    var node = ByteTrie.root
    var best: (Entry, end: Int)?
    var i = start
    while i < bytes.count, let next = trie.next(node, bytes[i]) {
      node = next
      i += 1
      guard let index = trie.value(at: node) else { continue }
      let entry = entries[Int(index)]
      if !entry.isControl || text.isTrusted(start..<i) { best = (entry, i) }
    }
    return best
  }
}

/// Blanks and word characters next to a place in UTF-8 text.
enum Blanks {
  static func start(ofRunBefore position: Int, _ bytes: Span<UInt8>) -> Int {
    var start = position
    while let (scalar, low) = scalar(before: start, bytes), scalar.properties.isWhitespace { start = low }
    return start
  }

  static func end(ofRunFrom position: Int, _ bytes: Span<UInt8>) -> Int {
    var end = position
    while let (scalar, high) = scalar(at: end, bytes), scalar.properties.isWhitespace { end = high }
    return end
  }

  static func endsInWord(_ bytes: Span<UInt8>, at position: Int) -> Bool {
    scalar(before: position, bytes).map { isWord($0.0) } ?? false
  }

  static func startsWord(_ bytes: Span<UInt8>, at position: Int) -> Bool {
    scalar(at: position, bytes).map { isWord($0.0) } ?? false
  }

  /// `\w` of Unicode Technical Standard 18.
  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isAlphabetic || scalar.properties.isJoinControl { return true }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
    default: return false
    }
  }

  private static func scalar(before position: Int, _ bytes: Span<UInt8>) -> (Unicode.Scalar, Int)? {
    guard position > 0 else { return nil }
    var low = position - 1
    while low > 0, bytes[low] & 0xc0 == 0x80 { low -= 1 }
    return scalar(at: low, bytes).map { ($0.0, low) }
  }

  private static func scalar(at position: Int, _ bytes: Span<UInt8>) -> (Unicode.Scalar, Int)? {
    guard position < bytes.count else { return nil }
    var high = position + 1
    while high < bytes.count, bytes[high] & 0xc0 == 0x80 { high += 1 }
    var scalars = bytes.extracting(position..<high).withUnsafeBufferPointer {
      String(decoding: $0, as: UTF8.self).unicodeScalars.makeIterator()
    }
    return scalars.next().map { ($0, high) }
  }
}

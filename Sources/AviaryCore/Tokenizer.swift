public import AviaryTensor

/// A text that remembers which parts of it may hold control tokens.
///
/// Text from a template is trusted; text from a user, a picture or a file is data. A control token such as `</s>` is
/// recognised only where its whole spelling lies inside trusted text, so nothing that a user types becomes one. The
/// tokenizer still sees one continuous text, so merges across the borders are those of the original.
public struct MarkedText: Sendable, Hashable, ExpressibleByStringInterpolation {
  public private(set) var text: String
  /// Trusted ranges, in UTF-8 offsets of `text`, ascending, never touching.
  public private(set) var trusted: [Range<Int>]

  public init() {
    text = ""
    trusted = []
  }

  public init(stringLiteral value: String) { self.init(trusted: value) }
  public init(trusted text: String) {
    self.init()
    append(text, trusted: true)
  }
  public init(untrusted text: String) {
    self.init()
    append(text, trusted: false)
  }

  public mutating func append(_ piece: String, trusted isTrusted: Bool) {
    let start = text.utf8.count
    text += piece
    let end = text.utf8.count
    guard isTrusted, end > start else { return }
    if let last = trusted.last, last.upperBound == start {
      trusted[trusted.count - 1] = last.lowerBound..<end
    } else {
      trusted.append(start..<end)
    }
  }

  public mutating func append(_ other: MarkedText) {
    let start = text.utf8.count
    text += other.text
    for range in other.trusted {
      let shifted = range.lowerBound + start..<range.upperBound + start
      if let last = trusted.last, last.upperBound == shifted.lowerBound {
        trusted[trusted.count - 1] = last.lowerBound..<shifted.upperBound
      } else {
        trusted.append(shifted)
      }
    }
  }

  public init(stringInterpolation: StringInterpolation) { self = stringInterpolation.marked }

  /// What stands literally in our source is trusted; what is interpolated is data, unless it brings its own marks.
  public struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var marked = MarkedText()

    public init(literalCapacity: Int, interpolationCount: Int) {}
    public mutating func appendLiteral(_ literal: String) { marked.append(literal, trusted: true) }
    public mutating func appendInterpolation(_ text: String) { marked.append(text, trusted: false) }
    public mutating func appendInterpolation(_ text: MarkedText) { marked.append(text) }
  }

  public var isEmpty: Bool { text.isEmpty }
  public var utf8Count: Int { text.utf8.count }

  /// Whether the UTF-8 range lies wholly in trusted text.
  public func isTrusted(_ range: Range<Int>) -> Bool {
    let i = firstTrusted(endingBehind: range.lowerBound)
    return i < trusted.count && trusted[i].lowerBound <= range.lowerBound && trusted[i].upperBound >= range.upperBound
  }

  /// The parts between trusted occurrences of `separator`; an occurrence in untrusted text does not split.
  public func split(separator: String) -> [MarkedText] {
    let bytes = Array(text.utf8)
    let mark = Array(separator.utf8)
    guard !mark.isEmpty, bytes.count >= mark.count else { return [self] }
    var parts: [MarkedText] = []
    var start = 0
    var i = 0
    while i + mark.count <= bytes.count {
      if bytes[i] == mark[0], bytes[i..<i + mark.count].elementsEqual(mark), isTrusted(i..<i + mark.count) {
        parts.append(slice(start..<i))
        i += mark.count
        start = i
      } else {
        i += 1
      }
    }
    parts.append(slice(start..<bytes.count))
    return parts
  }

  /// The same text with these spellings trusted wherever they stand: for markup that users may write.
  ///
  /// - Parameter spellings: ASCII, each beginning with `<`.
  public func trusting(_ spellings: [String]) -> MarkedText {
    let bytes = Array(text.utf8)
    let marks = spellings.map { Array($0.utf8) }
    var result = MarkedText()
    var start = 0
    var i = 0
    while i < bytes.count {
      guard bytes[i] == UInt8(ascii: "<"), let mark = marks.first(where: { bytes[i...].starts(with: $0) }) else {
        i += 1
        continue
      }
      result.append(slice(start..<i))
      result.append(String(decoding: mark, as: UTF8.self), trusted: true)
      i += mark.count
      start = i
    }
    result.append(slice(start..<bytes.count))
    return result
  }

  /// The part in that UTF-8 range, its marks kept. The bounds must fall on scalar boundaries.
  public func slice(_ range: Range<Int>) -> MarkedText {
    let start = text.utf8.index(text.startIndex, offsetBy: range.lowerBound)
    var part = MarkedText()
    part.text = String(text[start..<text.utf8.index(start, offsetBy: range.count)])
    var i = firstTrusted(endingBehind: range.lowerBound)
    while i < trusted.count, trusted[i].lowerBound < range.upperBound {
      let overlap = trusted[i].clamped(to: range)
      part.trusted.append(overlap.lowerBound - range.lowerBound..<overlap.upperBound - range.lowerBound)
      i += 1
    }
    return part
  }

  /// The index of the first trusted range that ends behind that offset.
  private func firstTrusted(endingBehind offset: Int) -> Int {
    var low = 0
    var high = trusted.count
    while low < high {
      let mid = (low + high) / 2
      if trusted[mid].upperBound <= offset { low = mid + 1 } else { high = mid }
    }
    return low
  }
}

/// Text to token ids and back. A model's tokenizer is its checkpoint's: see AviaryText for the kinds.
public protocol Tokenizer: Sendable {
  /// Ids run from 0 to here, exclusive, added tokens included.
  var vocabularySize: Int { get }
  /// The id of a token by its exact spelling, control tokens included.
  func id(of token: String) -> Int32?
  /// The spelling of a token, for display.
  func token(_ id: Int32) -> String?
  /// Begin and end of sequence, where the checkpoint defines them.
  var bos: Int32? { get }
  var eos: Int32? { get }
  /// Whether the id is a control token, which `decode` leaves out when `skipSpecial` is set.
  func isSpecial(_ id: Int32) -> Bool

  /// Token ids of a text. Control tokens are recognised in its trusted parts only.
  ///
  /// - Parameter addSpecial: add what the checkpoint's own tokenizer adds around a text (BOS, usually).
  /// - Throws: `.limit` where the text is longer than `Limits.textBytes`.
  func encode(_ text: MarkedText, addSpecial: Bool) throws(AviaryError) -> [Int32]

  /// The text of ids as the original decodes them; bytes that are no UTF-8 become U+FFFD, one per maximal invalid
  /// subpart. Ids outside the vocabulary are left out.
  func decode(_ ids: [Int32], skipSpecial: Bool) -> String

  /// A decoder that is fed one id at a time and never returns half a character. Its pieces joined, with `finish()`,
  /// equal `decode` of all ids.
  func streamDecoder(skipSpecial: Bool) -> any StreamDecoder
}

/// See `Tokenizer.streamDecoder`.
public protocol StreamDecoder {
  /// The text that this id completes; often empty in the middle of a character.
  mutating func next(_ id: Int32) -> String
  /// What is left at the end: unfinished bytes as U+FFFD.
  mutating func finish() -> String
}

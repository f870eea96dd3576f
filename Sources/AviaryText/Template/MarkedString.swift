import AviaryCore

/// One Unicode scalar that knows whether it is trusted. The mark sits in a spare bit of the scalar's own word, so
/// whatever cuts, reverses, joins or copies scalars carries the marks without any care of its own.
struct MarkedScalar: Sendable {
  private static let mark: UInt32 = 1 << 31
  private let bits: UInt32

  init(_ scalar: Unicode.Scalar, trusted: Bool) {
    bits = scalar.value | (trusted ? Self.mark : 0)
  }

  var value: UInt32 { bits & ~Self.mark }
  var isTrusted: Bool { bits & Self.mark != 0 }
  var scalar: Unicode.Scalar { Unicode.Scalar(value) ?? "\u{FFFD}" }

  /// Another scalar made from this one, such as its capital: it is as trusted as its origin.
  func with(_ other: Unicode.Scalar) -> MarkedScalar { MarkedScalar(other, trusted: isTrusted) }
  func with(_ text: String) -> [MarkedScalar] { text.unicodeScalars.map { with($0) } }

  /// White space as Python's `str.isspace` sees it: Unicode's, and the four separators U+001C to U+001F.
  var isSpace: Bool { (0x1C...0x1F).contains(value) || scalar.properties.isWhitespace }
}

/// The interpreter's string: scalars with marks. It is indexed by scalar, as Python's strings are, and two strings
/// are equal when their scalars are, whatever their marks.
struct MarkedString: Sendable, Equatable {
  var scalars: [MarkedScalar]

  init() { scalars = [] }
  init(_ scalars: some Sequence<MarkedScalar>) { self.scalars = Array(scalars) }
  init(_ text: String, trusted: Bool) {
    scalars = text.unicodeScalars.map { MarkedScalar($0, trusted: trusted) }
  }
  init(_ text: MarkedText) {
    scalars = []
    scalars.reserveCapacity(text.utf8Count)
    var offset = 0
    var next = 0
    for scalar in text.text.unicodeScalars {
      while next < text.trusted.count, text.trusted[next].upperBound <= offset { next += 1 }
      let inside = next < text.trusted.count && text.trusted[next].contains(offset)
      scalars.append(MarkedScalar(scalar, trusted: inside))
      offset += UTF8.width(scalar)
    }
  }

  static func == (a: MarkedString, b: MarkedString) -> Bool {
    a.count == b.count && a.scalars.elementsEqual(b.scalars) { $0.value == $1.value }
  }

  var count: Int { scalars.count }
  var isEmpty: Bool { scalars.isEmpty }
  /// Whether no scalar of it came from a message.
  var isTrusted: Bool { scalars.allSatisfy(\.isTrusted) }
  /// The scalar values, for look-up; Swift's own strings would take canonically equivalent spellings for equal.
  var key: [UInt32] { scalars.map(\.value) }

  var plain: String {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars.lazy.map(\.scalar))
    return String(text)
  }

  var marked: MarkedText {
    var text = MarkedText()
    var start = 0
    while start < count {
      var end = start + 1
      while end < count, scalars[end].isTrusted == scalars[start].isTrusted { end += 1 }
      text.append(MarkedString(scalars[start..<end]).plain, trusted: scalars[start].isTrusted)
      start = end
    }
    return text
  }

  mutating func append(_ other: MarkedString) { scalars.append(contentsOf: other.scalars) }
  /// Adds text of the interpreter's own, such as the brackets of a printed list.
  mutating func append(_ text: String) { append(MarkedString(text, trusted: true)) }

  /// Where `pattern` occurs, without overlaps, from the left; at most `most` times. Linear in both lengths
  /// (Knuth, Morris and Pratt), since a template may search a long text for another. None for an empty pattern.
  func occurrences(of pattern: MarkedString, most: Int = .max) -> [Int] {
    let wanted = pattern.key
    guard !wanted.isEmpty, wanted.count <= count, most > 0 else { return [] }
    var border = [Int](repeating: 0, count: wanted.count)
    var matched = 0
    for i in 1..<wanted.count {
      while matched > 0, wanted[i] != wanted[matched] { matched = border[matched - 1] }
      if wanted[i] == wanted[matched] { matched += 1 }
      border[i] = matched
    }
    var found: [Int] = []
    matched = 0
    for (i, scalar) in scalars.enumerated() {
      while matched > 0, scalar.value != wanted[matched] { matched = border[matched - 1] }
      if scalar.value == wanted[matched] { matched += 1 }
      if matched == wanted.count {
        found.append(i + 1 - wanted.count)
        if found.count == most { break }
        matched = 0
      }
    }
    return found
  }

  /// The pieces between occurrences of `separator`, after at most `most` cuts.
  func split(_ separator: MarkedString, most: Int = .max) -> [MarkedString] {
    var pieces: [MarkedString] = []
    var start = 0
    for cut in occurrences(of: separator, most: most) {
      pieces.append(MarkedString(scalars[start..<cut]))
      start = cut + separator.count
    }
    pieces.append(MarkedString(scalars[start...]))
    return pieces
  }

  /// Without the scalars at the ends that `isStripped` names.
  func stripped(
    left: Bool = true, right: Bool = true, _ isStripped: (MarkedScalar) -> Bool = { $0.isSpace }
  ) -> MarkedString {
    var low = 0
    var high = count
    while left, low < high, isStripped(scalars[low]) { low += 1 }
    while right, high > low, isStripped(scalars[high - 1]) { high -= 1 }
    return MarkedString(scalars[low..<high])
  }

  func uppercased() -> MarkedString {
    MarkedString(scalars.flatMap { $0.with($0.scalar.properties.uppercaseMapping) })
  }
  func lowercased() -> MarkedString {
    MarkedString(scalars.flatMap { $0.with($0.scalar.properties.lowercaseMapping) })
  }
  /// The first scalar in title case, the others in lower case.
  func capitalized() -> MarkedString {
    guard let first = scalars.first else { return self }
    var result = MarkedString(first.with(first.scalar.properties.titlecaseMapping))
    result.append(MarkedString(scalars.dropFirst()).lowercased())
    return result
  }

  /// Lines as `str.splitlines` cuts them, without their ends.
  func lines() -> [MarkedString] {
    var lines: [MarkedString] = []
    var start = 0
    var i = 0
    while i < count {
      let value = scalars[i].value
      guard Self.lineEnds.contains(value) else {
        i += 1
        continue
      }
      lines.append(MarkedString(scalars[start..<i]))
      i += value == 13 && i + 1 < count && scalars[i + 1].value == 10 ? 2 : 1
      start = i
    }
    if start < count { lines.append(MarkedString(scalars[start...])) }
    return lines
  }
  private static let lineEnds: Set<UInt32> = [10, 11, 12, 13, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029]
}

/// A text cut into pieces, laid end to end in one buffer.
struct PieceBuffer: Sendable {
  private(set) var bytes: [UInt8]
  private(set) var ends: [Int]
  /// Whether the first piece stands at the beginning of the text that was to be encoded.
  var startsText: Bool

  init(startsText: Bool) {
    bytes = []
    ends = []
    self.startsText = startsText
  }

  /// One piece; none where the text is empty.
  init(_ text: [UInt8], startsText: Bool) {
    bytes = text
    ends = text.isEmpty ? [] : [text.count]
    self.startsText = startsText
  }

  var count: Int { ends.count }
  func range(_ piece: Int) -> Range<Int> { (piece == 0 ? 0 : ends[piece - 1])..<ends[piece] }

  /// Adds the bytes in that range of `source` as one piece; an empty piece is left out.
  mutating func append(_ range: Range<Int>, of source: [UInt8]) {
    guard !range.isEmpty else { return }
    bytes.append(contentsOf: source[range])
    ends.append(bytes.count)
  }

  /// Adds what `write` appends as one piece; an empty piece is left out.
  mutating func append(_ write: (inout [UInt8]) -> Void) {
    let start = bytes.count
    write(&bytes)
    if bytes.count > start { ends.append(bytes.count) }
  }
}

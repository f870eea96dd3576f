enum UTF8Scalar {
  /// Bytes of a scalar by its first byte, in valid UTF-8.
  static func length(lead: UInt8) -> Int { lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4 }
}

extension [UInt8] {
  init(copying bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer(Array.init)
  }

  mutating func append(copying bytes: Span<UInt8>) {
    bytes.withUnsafeBufferPointer { append(contentsOf: $0) }
  }

  /// The text up to the last match with every match replaced, and what follows the last match.
  func replacing(_ pattern: [UInt8], with content: [UInt8]) -> (replaced: [UInt8], rest: [UInt8]) {
    var out: [UInt8] = []
    var start = 0
    var i = 0
    while i + pattern.count <= count {
      if self[i] == pattern[0], self[i..<i + pattern.count].elementsEqual(pattern) {
        out.append(contentsOf: self[start..<i])
        out.append(contentsOf: content)
        i += pattern.count
        start = i
      } else {
        i += 1
      }
    }
    return (out, Array(self[start...]))
  }

  /// Bytes at the end that begin the pattern without finishing it.
  func longestSuffix(beginning pattern: [UInt8]) -> Int {
    for length in stride(from: Swift.min(count, pattern.count - 1), to: 0, by: -1)
    where suffix(length).elementsEqual(pattern.prefix(length)) { return length }
    return 0
  }
}

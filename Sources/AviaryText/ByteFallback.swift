import AviaryTensor

/// Spells characters from outside a vocabulary by the tokens of their bytes.
struct ByteFallback: Sendable {
  /// The ids of `<0x00>` to `<0xFF>`, nil for those that are missing; empty where the model does not spell bytes.
  private let tokens: [Int32?]

  /// Spells nothing.
  init() { tokens = [] }

  init(_ model: JSONReader, _ vocabulary: Vocabulary) throws(AviaryError) {
    let isOn = try model.bool("byte_fallback", default: false)
    tokens = isOn ? (0..<256).map { vocabulary.id(of: ByteToken.spelling(UInt8($0))) } : []
  }

  /// nil where the model does not spell bytes, or lacks one of these.
  func ids(of text: Span<UInt8>) -> [Int32]? {
    guard !tokens.isEmpty else { return nil }
    var ids: [Int32] = []
    for i in text.indices {
      guard let id = tokens[Int(text[i])] else { return nil }
      ids.append(id)
    }
    return ids
  }
}

/// Tokens that stand for one byte, spelled `<0x0A>`.
enum ByteToken {
  static func spelling(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], 0x3e]
  }

  /// The byte, or nil for any other token: `<0x-1>`, `<0xZZ>` and `<0x1FF>` are plain text.
  static func byte(of token: ArraySlice<UInt8>) -> UInt8? {
    guard token.count == 6, token.starts(with: "<0x".utf8), token.last == 0x3e,
      let high = digit(token[token.startIndex + 3]), let low = digit(token[token.startIndex + 4])
    else { return nil }
    return high << 4 | low
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}

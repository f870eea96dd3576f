/// The printable stand-ins for the 256 bytes that byte-level BPE vocabularies are spelled with
/// (Radford et al. 2019, GPT-2): printable Latin-1 stands for itself, the other bytes for U+0100 onwards.
public enum ByteAlphabet {
  /// The stand-in of each byte.
  public static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0..<256).map { (byte: UInt32) in
      switch byte {
      case 0x21...0x7e, 0xa1...0xac, 0xae...0xff: return Unicode.Scalar(UInt8(byte))
      default:
        defer { next += 1 }
        return Unicode.Scalar(next) ?? "?"
      }
    }
  }()

  /// The UTF-8 of each byte's stand-in; one byte or two.
  static let spellings: [[UInt8]] = scalars.map { Array(String(Character($0)).utf8) }

  /// The byte of each stand-in, by scalar value; nil where the scalar stands for none.
  static let bytes: [UInt8?] = {
    var table = [UInt8?](repeating: nil, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { table[Int(scalar.value)] = UInt8(byte) }
    return table
  }()

  /// Replaces every byte by its stand-in.
  static func spell(_ text: Span<UInt8>, into out: inout [UInt8]) {
    for i in text.indices { out.append(contentsOf: spellings[Int(text[i])]) }
  }

  /// The bytes that a token stands for; a token with any character from outside the alphabet stands for itself.
  static func bytes(of token: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(token.count)
    for scalar in String(decoding: token, as: UTF8.self).unicodeScalars {
      guard Int(scalar.value) < bytes.count, let byte = bytes[Int(scalar.value)] else { return token }
      out.append(byte)
    }
    return out
  }
}

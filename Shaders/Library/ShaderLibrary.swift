/// The compute shaders of this folder as SPIR-V, compiled at build time: no shader compiler is needed where the program runs.
public enum ShaderLibrary {
  /// Names in order.
  public static var names: [String] { words.map(\.name) }

  /// The SPIR-V of a shader, by its file's name; nil for an unknown one.
  public static func spirv(_ name: String) -> [UInt32]? {
    guard let entry = words.first(where: { $0.name == name }) else { return nil }
    return entry.hex.withUTF8Buffer { digits in
      stride(from: 0, to: digits.count, by: 8).map { start in
        digits[start..<start + 8].reduce(0) { $0 << 4 | UInt32($1 <= 57 ? $1 - 48 : $1 - 87) }
      }
    }
  }

  /// A hash of all shaders (FNV-1a), for keying caches: it is the same in every process.
  public static let fingerprint: UInt64 = words.reduce(0xcbf2_9ce4_8422_2325) { hash, entry in
    entry.hex.withUTF8Buffer { $0.reduce(hash) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 } }
  }
}

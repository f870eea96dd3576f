import AviaryCore
import AviaryTensor
import Foundation

@testable import AviaryMedia

/// Files and hashes that Pillow 10.4.0 made; see Fixtures/README.md.
enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

  static func image(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appending(path: "images/\(name)")))
  }

  /// The words of each line that is no comment.
  static func table(_ name: String) -> [[String]] {
    let text = (try? String(contentsOf: folder.appending(path: name), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
  }

  static func hash(_ bytes: [UInt8]) -> String {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The noise that Fixtures/make.py draws.
  static func noise(_ count: Int, seed: UInt32) -> [UInt8] {
    var x = seed
    return (0..<count).map { _ in
      x = x &* 1_664_525 &+ 1_013_904_223
      return UInt8(x >> 24)
    }
  }

  static func noiseImage(_ width: Int, _ height: Int, channels: Int = 3) -> PixelImage {
    PixelImage(
      width: width, height: height, channels: channels,
      pixels: noise(width * height * channels, seed: UInt32(width * 1000 + height)))
  }
}

/// The package's error that the expression throws, or nil.
func failure<T>(_ expression: @autoclosure () throws -> T) -> AviaryError? {
  do {
    _ = try expression()
    return nil
  } catch { return error as? AviaryError }
}

/// Parts of PNG files, for files that no encoder writes.
enum PNGBuilder {
  static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

  static func bigEndian(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }

  static func chunk(_ type: String, _ body: [UInt8]) -> [UInt8] {
    let named = Array(type.utf8) + body
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in named {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return bigEndian(body.count) + named + bigEndian(Int(~crc))
  }

  static func header(width: Int, height: Int, depth: UInt8 = 8, colour: UInt8 = 2) -> [UInt8] {
    chunk("IHDR", bigEndian(width) + bigEndian(height) + [depth, colour, 0, 0, 0])
  }

  /// Rows as an uncompressed zlib stream; at most 65535 bytes.
  static func stored(_ rows: [UInt8]) -> [UInt8] {
    let (low, high) = (UInt8(rows.count & 255), UInt8(rows.count >> 8))
    var (a, b) = (1, 0)
    for byte in rows {
      a = (a + Int(byte)) % 65521
      b = (b + a) % 65521
    }
    return [0x78, 1, 1, low, high, ~low, ~high] + rows + bigEndian(b << 16 | a)
  }

  static let end = chunk("IEND", [])

  /// 2x2 pixels: red, green, blue, white.
  static let rows: [UInt8] = [0, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255, 255, 255, 255]
  static let pixels: [UInt8] = [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]

  static func small(extra: [UInt8] = []) -> [UInt8] {
    signature + header(width: 2, height: 2) + extra + chunk("IDAT", stored(rows)) + end
  }
}

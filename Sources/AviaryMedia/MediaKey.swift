public import AviaryCore

/// The name under which a picture's features are cached: SHA-256 over everything that they depend on.
///
/// Every part goes in with its length in front, so no two different lists of parts make the same bytes: 30x150 pixels
/// and 150x30 pixels of the same bytes have different keys, and so have other processors, parameters and models. The
/// picture's name is no part of it: the same picture from two places is encoded once.
public struct MediaKey: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes.
  public let digest: [UInt8]

  /// - Parameters:
  ///   - processor: the id of the processor that prepares the picture.
  ///   - parameters: its settings, written out in one fixed way.
  ///   - model: what tells this checkpoint from every other.
  public init(_ image: PixelImage, processor: String, parameters: String, model: String) {
    let hash = SHA256()
    func add(_ part: [UInt8]) {
      withUnsafeBytes(of: UInt64(part.count).littleEndian) { hash.update($0) }
      hash.update(part)
    }
    let sizes = "\(image.width)x\(image.height)x\(image.channels)"
    for text in ["aviary media 1", sizes, processor, parameters, model] { add(Array(text.utf8)) }
    add(image.pixels)
    digest = hash.finalize()
  }

  /// 64 hexadecimal digits.
  public var description: String {
    let digits = Array("0123456789abcdef")
    return digest.reduce(into: "") {
      $0.append(digits[Int($1 >> 4)])
      $0.append(digits[Int($1 & 15)])
    }
  }
}

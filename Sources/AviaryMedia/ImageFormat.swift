/// A picture's file format, told by its first bytes alone: names and declared types are not to be trusted.
enum ImageFormat: String {
  case jpeg = "JPEG"
  case png = "PNG"
  case webp = "WebP"

  init?(_ bytes: UnsafeRawBufferPointer) {
    if bytes.starts(with: [0xFF, 0xD8, 0xFF]) {
      self = .jpeg
    } else if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .png
    } else if bytes.starts(with: Array("RIFF".utf8)), bytes.count >= 12,
      bytes[8..<12].elementsEqual("WEBP".utf8)
    {
      self = .webp
    } else {
      return nil
    }
  }

  /// What the bytes look like where they are no format that is read, for the error.
  static func guess(_ bytes: UnsafeRawBufferPointer) -> String {
    let known: [(start: String, name: String)] = [
      ("GIF8", "a GIF picture"), ("BM", "a BMP picture"), ("II*\0", "a TIFF picture"), ("MM\0*", "a TIFF picture"),
      ("%PDF", "a PDF document"), ("PK\u{3}\u{4}", "a ZIP archive"), ("<svg", "an SVG drawing"), ("<?xml", "an XML text"),
      ("<", "an HTML or XML text"),
    ]
    if bytes.isEmpty { return "no bytes" }
    if bytes.count >= 12, bytes[4..<8].elementsEqual("ftyp".utf8) { return "an AVIF, HEIC or video file" }
    return known.first { bytes.starts(with: $0.start.utf8) }?.name ?? "unknown bytes"
  }
}

public import AviaryTensor
import CFontShim

/// A font file whose letters can be drawn at any size, by FreeType: for pictures of text.
public final class OutlineFont {
  private let font: OpaquePointer
  /// Pixels to the em.
  public let size: Int
  /// Pixels above and below the baseline that letters take.
  public let ascent: Double, descent: Double

  /// - Throws: `.file` where there is no font that can be scaled, `.request` for a size outside of 4...1024.
  public init(path: String, size: Int) throws(AviaryError) {
    guard (4...1024).contains(size) else { throw AviaryError(.request, "letters of \(size) pixels", wanted: "4...1024", at: path) }
    guard let font = aviary_font_open(path) else { throw AviaryError(.file, "no font that can be scaled", wanted: "a TrueType or OpenType file", at: path) }
    var (ascent, descent) = (0.0, 0.0)
    guard aviary_font_size(font, UInt32(size), &ascent, &descent) else {
      aviary_font_close(font)
      throw AviaryError(.file, "a font without letters of \(size) pixels", wanted: "one with outlines", at: path)
    }
    (self.font, self.size, self.ascent, self.descent) = (font, size, ascent, descent)
  }

  deinit { aviary_font_close(font) }

  /// Whether it has every character of a text.
  public func has(_ text: String) -> Bool { text.unicodeScalars.allSatisfy { aviary_font_has(font, $0.value) } }

  /// Pixels from the first character's origin to behind the last one.
  public func width(_ text: String) -> Double { steps(text).reduce(0, +) }

  /// Adds a line's coverage (0 to 255) to a picture of width x height, row by row, its first origin at (x, y), y downwards on the baseline; what lies outside is cut off.
  ///
  /// - Throws: `.request` where a character cannot be drawn.
  public func draw(_ text: String, x: Double, y: Double, into coverage: inout [UInt8], width: Int, height: Int) throws(AviaryError) {
    precondition(coverage.count == width * height)
    var at = x
    for (scalar, step) in zip(text.unicodeScalars, steps(text)) {
      guard aviary_font_draw(font, scalar.value, at, y, &coverage, Int32(width), Int32(height)) else {
        throw AviaryError(.request, "the character \(quoted(String(scalar)))", wanted: "one that the font has an outline of")
      }
      at += step
    }
  }

  private func steps(_ text: String) -> [Double] {
    let scalars = text.unicodeScalars.map(\.value)
    return scalars.indices.map { max(0, aviary_font_advance(font, scalars[$0], $0 + 1 < scalars.count ? scalars[$0 + 1] : 0)) }
  }
}

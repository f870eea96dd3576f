public import AviaryCore
import CImageShim

/// Draws lines and text into an RGB picture; what lies outside of it is cut off.
public struct PixelCanvas {
  public private(set) var image: PixelImage

  /// Colours that differ for most eyes (Okabe and Ito 2008), without black.
  public static let palette = [
    PixelColour(230, 159, 0), PixelColour(86, 180, 233), PixelColour(0, 158, 115), PixelColour(240, 228, 66), PixelColour(0, 114, 178),
    PixelColour(213, 94, 0), PixelColour(204, 121, 167),
  ]
  private static let glyph = (width: Int(AVIARY_GLYPH_WIDTH), height: Int(AVIARY_GLYPH_HEIGHT))
  /// Text is cut behind so many characters: no picture shows more.
  private static let longestText = 2048

  /// - Parameter image: an RGB picture.
  public init(_ image: PixelImage) { self.image = image }

  /// One of a single colour.
  public init(width: Int, height: Int, _ colour: PixelColour) {
    let pixels = [[UInt8]](repeating: [colour.red, colour.green, colour.blue], count: width * height).flatMap { $0 }
    self.init(PixelImage(width: width, height: height, channels: 3, pixels: pixels))
  }

  /// Every pixel on the way (Bresenham 1965), as a square of the line's width.
  public mutating func line(_ from: (Int, Int), _ to: (Int, Int), _ colour: PixelColour, thickness: Int = 1) {
    let (dx, dy) = (abs(to.0 - from.0), -abs(to.1 - from.1))
    let (stepX, stepY) = (to.0 >= from.0 ? 1 : -1, to.1 >= from.1 ? 1 : -1)
    var (x, y, error) = (from.0, from.1, dx + dy)
    while true {
      fill(x - thickness / 2, y - thickness / 2, thickness, thickness, colour)
      if x == to.0, y == to.1 { return }
      let doubled = 2 * error
      if doubled >= dy { (error, x) = (error + dy, x + stepX) }
      if doubled <= dx { (error, y) = (error + dx, y + stepY) }
    }
  }

  /// Pixels that a text takes.
  ///
  /// - Parameter zoom: pixels for one of the font's.
  public static func width(of text: String, zoom: Int = 1) -> Int { min(text.unicodeScalars.count, longestText) * glyph.width * zoom }
  public static func height(zoom: Int = 1) -> Int { glyph.height * zoom }

  /// Text from its upper left corner: Latin, Greek and Cyrillic letters; others become a sign of replacement.
  public mutating func write(_ text: String, _ left: Int, _ top: Int, _ ink: PixelColour, zoom: Int = 1) {
    for (index, letter) in text.unicodeScalars.prefix(Self.longestText).enumerated() {
      guard let rows = aviary_glyph(letter.value) ?? aviary_glyph(0xfffd) else { continue }
      let x = left + zoom * index * Self.glyph.width
      if x >= image.width { return }
      for row in 0..<Self.glyph.height {
        for column in 0..<Self.glyph.width where rows[row] & (0x80 >> UInt8(column)) != 0 {
          fill(x + column * zoom, top + row * zoom, zoom, zoom, ink)
        }
      }
    }
  }

  /// A rectangle.
  public mutating func fill(_ left: Int, _ top: Int, _ width: Int, _ height: Int, _ colour: PixelColour) {
    let columns = max(0, left)..<max(0, left, min(image.width, left + width))
    for y in max(0, top)..<max(0, top, min(image.height, top + height)) {
      for x in columns {
        let place = 3 * (y * image.width + x)
        (image.pixels[place], image.pixels[place + 1], image.pixels[place + 2]) = (colour.red, colour.green, colour.blue)
      }
    }
  }
}

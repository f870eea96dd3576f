public import AviaryCore
import CImageShim

extension PixelImage {
  /// The picture with the outlines of places on it, and their labels: Latin, Greek and Cyrillic letters; others become a
  /// sign of replacement. Transparent pictures are laid over white.
  public func drawing(_ regions: [Region]) -> PixelImage {
    var canvas = RegionCanvas(composited(on: .white))
    var colours: [String: Int] = [:]
    for region in regions {
      let index = colours[region.label] ?? colours.count
      colours[region.label] = index
      canvas.draw(region, RegionCanvas.palette[index % RegionCanvas.palette.count])
    }
    return canvas.image
  }
}

/// Draws into an RGB picture; what lies outside of it is cut off.
private struct RegionCanvas {
  private(set) var image: PixelImage
  /// Pixels of a line's width.
  private let thickness: Int
  /// Pixels for one of the font's.
  private let zoom: Int

  /// Colours that differ for most eyes (Okabe and Ito 2008), without black.
  static let palette = [
    PixelColour(230, 159, 0), PixelColour(86, 180, 233), PixelColour(0, 158, 115), PixelColour(240, 228, 66), PixelColour(0, 114, 178),
    PixelColour(213, 94, 0), PixelColour(204, 121, 167),
  ]
  private static let glyph = (width: Int(AVIARY_GLYPH_WIDTH), height: Int(AVIARY_GLYPH_HEIGHT))
  /// A label is cut behind so many characters: no picture shows more.
  private static let longestLabel = 2048

  init(_ image: PixelImage) {
    self.image = image
    let side = min(image.width, image.height)
    (thickness, zoom) = (max(1, side / 200), max(1, side / 400))
  }

  mutating func draw(_ region: Region, _ colour: PixelColour) {
    var corners = region.points
    if region.isBox {
      let (a, b) = (region.points[0], region.points[1])
      corners = [a, Region.Point(x: b.x, y: a.y), b, Region.Point(x: a.x, y: b.y)]
    }
    for (from, to) in zip(corners, corners.dropFirst() + corners.prefix(1)) { line(from, to, colour) }
    if let top = corners.min(by: { ($0.y, $0.x) < ($1.y, $1.x) }), !region.label.isEmpty { write(region.label, at: top, colour) }
  }

  /// Every pixel on the way (Bresenham 1965), as a square of the line's width.
  private mutating func line(_ from: Region.Point, _ to: Region.Point, _ colour: PixelColour) {
    let (dx, dy) = (abs(to.x - from.x), -abs(to.y - from.y))
    let (stepX, stepY) = (to.x >= from.x ? 1 : -1, to.y >= from.y ? 1 : -1)
    var (x, y, error) = (from.x, from.y, dx + dy)
    while true {
      fill(x - thickness / 2, y - thickness / 2, thickness, thickness, colour)
      if x == to.x, y == to.y { return }
      let doubled = 2 * error
      if doubled >= dy { (error, x) = (error + dy, x + stepX) }
      if doubled <= dx { (error, y) = (error + dx, y + stepY) }
    }
  }

  /// Text on a ground of the outline's colour, above a place or, at the picture's upper edge, in it.
  private mutating func write(_ text: String, at corner: Region.Point, _ colour: PixelColour) {
    let letters = text.unicodeScalars.prefix(Self.longestLabel)
    let (width, height) = ((letters.count * Self.glyph.width + 2) * zoom, (Self.glyph.height + 2) * zoom)
    let left = max(0, min(corner.x - thickness / 2, image.width - width))
    let above = corner.y - thickness / 2 - height
    let top = above >= 0 ? above : corner.y
    fill(left, top, width, height, colour)
    let brightness = 299 * Int(colour.red) + 587 * Int(colour.green) + 114 * Int(colour.blue)
    let ink: PixelColour = brightness > 127_500 ? .black : .white
    for (index, letter) in letters.enumerated() {
      guard let rows = aviary_glyph(letter.value) ?? aviary_glyph(0xfffd) else { continue }
      let x = left + zoom * (1 + index * Self.glyph.width)
      if x >= image.width { return }
      for row in 0..<Self.glyph.height {
        for column in 0..<Self.glyph.width where rows[row] & (0x80 >> UInt8(column)) != 0 {
          fill(x + column * zoom, top + (1 + row) * zoom, zoom, zoom, ink)
        }
      }
    }
  }

  private mutating func fill(_ left: Int, _ top: Int, _ width: Int, _ height: Int, _ colour: PixelColour) {
    let columns = max(0, left)..<max(0, left, min(image.width, left + width))
    for y in max(0, top)..<max(0, top, min(image.height, top + height)) {
      for x in columns {
        let place = 3 * (y * image.width + x)
        (image.pixels[place], image.pixels[place + 1], image.pixels[place + 2]) = (colour.red, colour.green, colour.blue)
      }
    }
  }
}

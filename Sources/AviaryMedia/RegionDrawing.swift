public import AviaryCore

extension PixelImage {
  /// The picture with the outlines of places on it, and their labels: Latin, Greek and Cyrillic letters; others become a
  /// sign of replacement. Transparent pictures are laid over white.
  public func drawing(_ regions: [Region]) -> PixelImage {
    var canvas = PixelCanvas(composited(on: .white))
    let side = min(width, height)
    let (thickness, zoom) = (max(1, side / 200), max(1, side / 400))
    var colours: [String: Int] = [:]
    for region in regions {
      let index = colours[region.label] ?? colours.count
      colours[region.label] = index
      canvas.draw(region, PixelCanvas.palette[index % PixelCanvas.palette.count], thickness, zoom)
    }
    return canvas.image
  }
}

extension PixelCanvas {
  fileprivate mutating func draw(_ region: Region, _ colour: PixelColour, _ thickness: Int, _ zoom: Int) {
    var corners = region.points.map { ($0.x, $0.y) }
    if region.isBox {
      let (a, b) = (corners[0], corners[1])
      corners = [a, (b.0, a.1), b, (a.0, b.1)]
    }
    for (from, to) in zip(corners, corners.dropFirst() + corners.prefix(1)) { line(from, to, colour, thickness: thickness) }
    if let top = corners.min(by: { ($0.1, $0.0) < ($1.1, $1.0) }), !region.label.isEmpty { label(region.label, at: top, colour, thickness, zoom) }
  }

  /// Text on a ground of the outline's colour, above a place or, at the picture's upper edge, in it.
  private mutating func label(_ text: String, at corner: (Int, Int), _ colour: PixelColour, _ thickness: Int, _ zoom: Int) {
    let size = (width: Self.width(of: text, zoom: zoom) + 2 * zoom, height: Self.height(zoom: zoom) + 2 * zoom)
    let left = max(0, min(corner.0 - thickness / 2, image.width - size.width))
    let above = corner.1 - thickness / 2 - size.height
    let top = above >= 0 ? above : corner.1
    fill(left, top, size.width, size.height, colour)
    let brightness = 299 * Int(colour.red) + 587 * Int(colour.green) + 114 * Int(colour.blue)
    write(text, left + zoom, top + zoom, brightness > 127_500 ? .black : .white, zoom: zoom)
  }
}

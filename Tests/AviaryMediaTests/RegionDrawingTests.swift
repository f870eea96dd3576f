import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryMedia

/// Places drawn on pictures.
struct RegionDrawingTests {
  static func white(_ width: Int, _ height: Int, channels: Int = 3) -> PixelImage {
    PixelImage(width: width, height: height, channels: channels, pixels: [UInt8](repeating: 255, count: width * height * channels))
  }
  static func box(_ label: String, _ x1: Int, _ y1: Int, _ x2: Int, _ y2: Int, _ image: PixelImage) throws -> Region {
    try Region(label, [Region.Point(x: x1, y: y1), Region.Point(x: x2, y: y2)], width: image.width, height: image.height)
  }
  static func isWhite(_ image: PixelImage, _ x: Int, _ y: Int) -> Bool { image.pixels[3 * (y * image.width + x)..<3 * (y * image.width + x) + 3].allSatisfy { $0 == 255 } }

  @Test func aBoxIsItsOutline() throws {
    let image = Self.white(100, 80)
    let drawn = image.drawing([try Self.box("", 10, 20, 60, 50, image)])
    for x in 0..<100 {
      for y in 0..<80 {
        let isOutline = (10...60).contains(x) && (20...50).contains(y) && (x == 10 || x == 60 || y == 20 || y == 50)
        #expect(Self.isWhite(drawn, x, y) == !isOutline, "\(x),\(y)")
      }
    }
  }

  /// The letter A of the font, black on the outline's orange, above the box.
  @Test func aLabelIsReadable() throws {
    let image = Self.white(100, 80)
    let drawn = image.drawing([try Self.box("A", 10, 40, 60, 70, image)])
    let rows = (0..<15).map { y in
      String((10..<20).map { x in drawn.pixels[3 * ((25 + y) * 100 + x)] == 0 ? "#" : drawn.pixels[3 * ((25 + y) * 100 + x)] == 230 ? "." : "?" })
    }
    #expect(
      rows == [
        "..........", "..........", "..........", "....##....", "...#..#...", "..#....#..", "..#....#..", "..#....#..", "..######..", "..#....#..",
        "..#....#..", "..#....#..", "..........", "..........", "..........",
      ] || rows.joined().contains("######"), "\(rows.joined(separator: "\n"))")
  }

  @Test func quadranglesAndLettersOutsideOfTheFontAreDrawn() throws {
    let image = Self.white(60, 60)
    let points = [(30, 20), (50, 40), (30, 58), (10, 40)].map { Region.Point(x: $0.0, y: $0.1) }
    let drawn = image.drawing([try Region("猫", points, width: 60, height: 60)])
    for point in points { #expect(!Self.isWhite(drawn, point.x, point.y)) }
    #expect(!Self.isWhite(drawn, 40, 30))
    #expect(!Self.isWhite(drawn, 35, 8))
  }

  /// Corners on the edges, and labels that are longer than the picture, stay inside of it.
  @Test(arguments: [(1, 1), (2, 300), (300, 2), (5, 5)]) func nothingLeavesThePicture(_ width: Int, _ height: Int) throws {
    let image = Self.white(width, height, channels: 4)
    let drawn = image.drawing([try Self.box(String(repeating: "long ", count: 1000), 0, 0, width, height, image), try Self.box("", 0, 0, 0, 0, image)])
    #expect((drawn.width, drawn.height, drawn.channels) == (width, height, 3))
    #expect(!Self.isWhite(drawn, 0, 0))
  }

  @Test func whatIsDrawnBecomesAFileThatIsReadAgain() throws {
    let image = Self.white(40, 30)
    let drawn = image.drawing([try Self.box("cat", 4, 16, 30, 28, image)])
    #expect(try ImageDecoder.decode(ImageEncoder.png(drawn), name: "drawn") == drawn)
  }
}

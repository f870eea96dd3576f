import AviaryCore
import Foundation
import Testing

@testable import AviaryMedia

struct AnyResolutionTests {
  static let published = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
  typealias Size = AnyResolution.Size

  /// (width, height) of pictures and the grids (width, height) that they get.
  @Test(arguments: [
    (640, 480, 672, 672), (1000, 300, 1008, 336), (300, 1000, 336, 1008), (2000, 2000, 672, 672), (500, 250, 672, 336),
  ])
  func bestGrid(w: Int, h: Int, gw: Int, gh: Int) throws {
    for order in [AnyResolution.PinpointOrder.heightWidth, .widthHeight] {
      let grid = try AnyResolution.bestGrid(imageSize: Size(width: w, height: h), pinpoints: Self.published, order: order)
      #expect(grid == Size(width: gw, height: gh))
    }
  }

  /// A small square picture ties between the first two entries; the orders read the first one differently.
  @Test func tiesTakeTheFirstEntry() throws {
    let size = Size(width: 200, height: 200)
    #expect(
      try AnyResolution.bestGrid(imageSize: size, pinpoints: Self.published, order: .heightWidth)
        == Size(width: 672, height: 336))
    #expect(
      try AnyResolution.bestGrid(imageSize: size, pinpoints: Self.published, order: .widthHeight)
        == Size(width: 336, height: 672))
  }

  @Test func oddPinpointsAreRefused() {
    for points in [[], [[336]], [[336, 336, 3]], [[0, 336]], [[-5, 4]], [[336, 1 << 40]], [[336, .max]]] {
      let error = failure(try AnyResolution.bestGrid(imageSize: Size(width: 9, height: 9), pinpoints: points, order: .heightWidth))
      #expect(error?.kind == .config && error?.place == "image_grid_pinpoints")
    }
    let none = failure(try AnyResolution.bestGrid(imageSize: Size(width: 0, height: 9), pinpoints: Self.published, order: .heightWidth))
    #expect(none?.kind == .request)
  }

  @Test func fittedSizeKeepsTheShape() {
    let grid = Size(width: 672, height: 672)
    #expect(AnyResolution.fittedSize(Size(width: 640, height: 480), in: grid) == Size(width: 672, height: 504))
    #expect(AnyResolution.fittedSize(Size(width: 481, height: 640), in: grid) == Size(width: 506, height: 672))
    #expect(AnyResolution.fittedSize(Size(width: 50, height: 50), in: grid) == grid)
    #expect(AnyResolution.fittedSize(Size(width: 16384, height: 1), in: grid) == Size(width: 672, height: 1))
  }

  @Test func viewsAreTheWholeThenTheTiles() throws {
    let white = PixelImage(width: 20, height: 10, channels: 3, pixels: [UInt8](repeating: 255, count: 600))
    let views = try AnyResolution.views(of: white, grid: Size(width: 8, height: 8), tileSide: 4)
    #expect(views.count == 5)
    #expect(views[0].pixels.allSatisfy { $0 == 255 })
    // 8x4 pixels in the middle of 8x8: the lower half of the upper tiles, the upper half of the lower ones.
    let half = [UInt8](repeating: 0, count: 24) + [UInt8](repeating: 255, count: 24)
    #expect(views[1].pixels == half && views[2].pixels == half)
    #expect(views[3].pixels == half.reversed() && views[4].pixels == half.reversed())
    #expect(
      failure(try AnyResolution.views(of: white, grid: Size(width: 9, height: 8), tileSide: 4))?.kind == .config)
  }

  @Test func unpadCutsBothSides() {
    let wide = AnyResolution.unpad(rows: 48, columns: 48, imageSize: Size(width: 640, height: 480), rounding: .sevenDigits)
    #expect(wide.rows == 6..<42 && wide.columns == 0..<48)
    let tall = AnyResolution.unpad(rows: 48, columns: 48, imageSize: Size(width: 481, height: 640), rounding: .sevenDigits)
    #expect(tall.rows == 0..<48 && tall.columns == 6..<42)
    let square = AnyResolution.unpad(rows: 24, columns: 48, imageSize: Size(width: 7, height: 7), rounding: .truncate)
    #expect(square.rows == 0..<24 && square.columns == 12..<36)
    let sliver = AnyResolution.unpad(rows: 24, columns: 72, imageSize: Size(width: 16384, height: 1), rounding: .truncate)
    #expect(sliver.rows == 12..<12 && sliver.columns == 0..<72)
  }

  /// A length that is an integer in exact arithmetic and a hair less in double precision: 7 digits mend it.
  @Test func sevenDigitsMendWhatDoublePrecisionLoses() throws {
    var found = 0
    for height in 1...400 {
      for width in height...400 {
        let size = Size(width: width, height: height)
        let exact = height * 24 % width == 0 ? height * 24 / width : -1
        guard exact >= 0, Int(Double(height) * (24 / Double(width))) < exact else { continue }
        found += 1
        let kept = AnyResolution.unpad(rows: 24, columns: 24, imageSize: size, rounding: .sevenDigits).rows
        #expect(kept == (24 - exact) / 2..<24 - (24 - exact) / 2)
      }
    }
    #expect(found > 0)
  }

  /// The sheet's numbers: 24x24 features a tile.
  @Test func tokenCounts() throws {
    func count(_ w: Int, _ h: Int, _ order: AnyResolution.PinpointOrder = .heightWidth) throws -> Int {
      let size = Size(width: w, height: h)
      let grid = try AnyResolution.bestGrid(imageSize: size, pinpoints: Self.published, order: order)
      return try AnyResolution.tokenCount(
        imageSize: size, grid: grid, tileSide: 336, featuresPerSide: 24, rounding: .sevenDigits)
    }
    #expect(try count(672, 672) == 576 + 48 * 49)
    #expect(try count(640, 480) == 576 + 36 * 49)
    #expect(try count(300, 300) == 576 + 24 * 25)
    #expect(
      failure(try AnyResolution.tokenCount(
          imageSize: Size(width: 3, height: 3), grid: Size(width: 50, height: 50), tileSide: 336, featuresPerSide: 24,
          rounding: .truncate))?.kind == .config)
  }

  /// `<image>` tokens that the reference counted, in the recorded prompts.
  @Test(.enabled(if: Golden.isThere), arguments: ["llava-next-single", "llava-next-multi", "llava-next-odd", "llava-next-small"])
  func tokenCountsOfTheRecordedRuns(golden: String) throws {
    let config = try Golden.json("\(golden)/model/preprocessor_config.json")
    let pinpoints = try #require(config["image_grid_pinpoints"] as? [[Int]])
    let side = try #require((config["crop_size"] as? [String: Int])?["height"])
    let vision = try #require(try Golden.json("\(golden)/model/config.json")["vision_config"] as? [String: Any])
    let patch = try #require(vision["patch_size"] as? Int)
    let prompt = try #require(try Golden.json("\(golden)/request.json")["prompt"] as? String)
    let total = try Golden.pictures(golden).reduce(0) { sum, path in
      let image = try ImageFile.load(path)
      let size = Size(width: image.width, height: image.height)
      let grid = try AnyResolution.bestGrid(imageSize: size, pinpoints: pinpoints, order: .heightWidth)
      return sum
        + (try AnyResolution.tokenCount(
          imageSize: size, grid: grid, tileSide: side, featuresPerSide: side / patch, rounding: .sevenDigits))
    }
    #expect(total == prompt.components(separatedBy: "<image>").count - 1)
  }
}

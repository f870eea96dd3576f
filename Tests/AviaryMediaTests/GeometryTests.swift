import AviaryCore
import Testing

@testable import AviaryMedia

struct GeometryTests {
  /// Grey pixels numbered from 1.
  private func numbered(_ width: Int, _ height: Int) -> PixelImage {
    PixelImage(
      width: width, height: height, channels: 3,
      pixels: (0..<width * height).flatMap { i in [UInt8](repeating: UInt8(i + 1), count: 3) })
  }

  private func reds(_ image: PixelImage) -> [UInt8] {
    stride(from: 0, to: image.pixels.count, by: image.channels).map { image.pixels[$0] }
  }

  @Test func centreCropRoundsTheSpareDown() throws {
    #expect(reds(try numbered(5, 1).centerCropped(width: 2, height: 1)) == [2, 3])
    #expect(reds(try numbered(1, 4).centerCropped(width: 1, height: 2)) == [2, 3])
    #expect(reds(try numbered(4, 4).centerCropped(width: 2, height: 2)) == [6, 7, 10, 11])
  }

  @Test func torchvisionsCropRoundsHalvesToEven() throws {
    #expect(reds(try numbered(5, 1).centerCropped(width: 2, height: 1, rounding: .halfToEven)) == [3, 4])
    #expect(reds(try numbered(3, 1).centerCropped(width: 2, height: 1, rounding: .halfToEven)) == [1, 2])
    #expect(reds(try numbered(7, 1).centerCropped(width: 2, height: 1, rounding: .halfToEven)) == [3, 4])
  }

  @Test func aCropLargerThanThePictureIsZeroPadded() throws {
    #expect(reds(try numbered(2, 1).centerCropped(width: 5, height: 1)) == [0, 0, 1, 2, 0])
    #expect(reds(try numbered(1, 3).centerCropped(width: 2, height: 1)) == [0, 2])
    #expect(failure(try numbered(1, 3).centerCropped(width: 0, height: 1)) != nil)
    #expect(failure(try numbered(1, 3).centerCropped(width: 20_000, height: 1))?.kind == .limit)
  }

  @Test func padding() throws {
    let fill = PixelColour(9, 8, 7)
    let square = try numbered(1, 4).paddedToSquare(fill: fill)
    #expect(reds(square) == [9, 1, 9, 9, 9, 2, 9, 9, 9, 3, 9, 9, 9, 4, 9, 9])
    #expect(Array(square.pixels.prefix(3)) == [9, 8, 7])
    #expect(try numbered(3, 3).paddedToSquare(fill: fill) == numbered(3, 3))
    #expect(reds(try numbered(2, 1).paddedCentered(width: 3, height: 2, fill: .black)) == [1, 2, 0, 0, 0, 0])
    #expect(failure(try numbered(3, 3).paddedCentered(width: 2, height: 5, fill: .black))?.kind == .config)
    let translucent = PixelImage(width: 1, height: 2, channels: 4, pixels: [1, 2, 3, 4, 5, 6, 7, 8])
    #expect(try translucent.paddedToSquare(fill: fill).pixels == [1, 2, 3, 4, 9, 8, 7, 255, 5, 6, 7, 8, 9, 8, 7, 255])
  }

  @Test func padColourOfAMean() throws {
    #expect(try PixelColour(mean: Normalization.clipMean) == PixelColour(122, 116, 104))
    #expect(try PixelColour(mean: [0.5, 0.5, 0.5]) == PixelColour(127, 127, 127))
    for mean in [[0.5], [0.5, 0.5, .nan], [0, 0, 1.5], [-1, 0, 0]] {
      #expect(failure(try PixelColour(mean: mean))?.kind == .config)
    }
  }

  @Test func shortestEdgeTruncatesTheLongerSide() throws {
    #expect(try numbered(3, 10).shortestEdgeSize(56) == (56, 186))
    #expect(try numbered(10, 3).shortestEdgeSize(56) == (186, 56))
    #expect(failure(try numbered(2, 2).shortestEdgeSize(0).width)?.kind == .config)
    #expect(failure(try numbered(2, 2).shortestEdgeSize(.max).width)?.kind == .config)
  }

  @Test func tilesRunRowByRow() throws {
    let tiles = try numbered(4, 4).tiles(side: 2)
    #expect(tiles.map(reds) == [[1, 2, 5, 6], [3, 4, 7, 8], [9, 10, 13, 14], [11, 12, 15, 16]])
    #expect(failure(try numbered(4, 3).tiles(side: 2))?.kind == .config)
    #expect(failure(try numbered(4, 4).tiles(side: 0))?.kind == .config)
  }

  /// Values of Pillow's `alpha_composite` on (255, 255, 255) and (10, 20, 30).
  @Test func compositing() {
    let image = PixelImage(
      width: 4, height: 1, channels: 4, pixels: [10, 20, 30, 0, 10, 20, 30, 255, 10, 20, 30, 128, 200, 100, 0, 77])
    #expect(image.composited(on: .white).pixels == [255, 255, 255, 10, 20, 30, 132, 137, 142, 238, 208, 178])
    #expect(image.composited(on: PixelColour(10, 20, 30)).pixels == [10, 20, 30, 10, 20, 30, 10, 20, 30, 67, 44, 21])
    #expect(image.rgb().composited(on: .white) == image.rgb())
  }
}

struct NormalizationTests {
  @Test func planesChannelsFirst() throws {
    let image = PixelImage(width: 2, height: 1, channels: 4, pixels: [0, 51, 255, 9, 255, 102, 0, 9])
    let half = try Normalization(mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    let out = try half(image)
    #expect(out.shape == [1, 3, 1, 2])
    #expect(zip(out.values, [-1, 1, -0.6, -0.2, 1, -1]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(try Normalization.rescaleOnly()([image, image]).shape == [2, 3, 1, 2])
  }

  @Test func badConstantsAreNamed() {
    for (mean, std, rescale) in [
      ([0.5, 0.5], [1.0, 1, 1], 1.0), ([0, 0, .nan], [1, 1, 1], 1), ([0, 0, 0], [1, 0, 1], 1),
      ([0, 0, 0], [1, 1e-60, 1], 1), ([0, 0, 0], [1, 1], 1), ([0, 0, 0], [1, 1, .infinity], 1),
      ([0, 0, 0], [1, 1, 1], .infinity),
    ] {
      let error = failure(try Normalization(mean: mean, std: std, rescale: rescale))
      #expect(error?.kind == .config)
    }
  }

  @Test func aBatchNeedsEqualSizes() throws {
    let clip = try Normalization.clip()
    #expect(failure(try clip([]))?.kind == .request)
    let images = [Fixtures.noiseImage(2, 3), Fixtures.noiseImage(3, 2)]
    #expect(failure(try clip(images))?.kind == .request)
  }
}

import AviaryCore
import Testing

@testable import AviaryMedia

struct DecodeTests {
  static let cases = Fixtures.table("decode.txt")

  @Test func thereAreCases() { #expect(Self.cases.count > 50) }

  /// Every kind of file, the eight EXIF orientations among them, against Pillow's pixels.
  @Test(arguments: cases)
  func equalsPillow(line: [String]) throws {
    let image = try ImageDecoder.decode(try Fixtures.image(line[0]), name: line[0])
    #expect([image.width, image.height, image.channels] == line[1...3].compactMap { Int($0) })
    #expect(Fixtures.hash(image.pixels) == line[4], "\(line[0])")
  }

  @Test func hiddenColoursAndAlphaAreKept() throws {
    let image = try ImageDecoder.decode(try Fixtures.image("rgba.png"))
    let rgb = image.rgb()
    #expect(rgb.channels == 3)
    #expect(stride(from: 0, to: image.pixels.count, by: 4).allSatisfy { image.pixels[$0] == rgb.pixels[$0 / 4 * 3] })
  }

  /// The format is told by the bytes, so a wrong name changes nothing.
  @Test func wrongExtension() throws {
    let image = try ImageDecoder.decode(try Fixtures.image("grey.jpg"), name: "picture.png")
    #expect(image.width == 45)
  }

  @Test(arguments: [
    "", "GIF89a....", "BM......", "%PDF-1.7", "<svg xmlns='http://www.w3.org/2000/svg'/>", "<?xml version='1.0'?>",
    "<!DOCTYPE html>", "PK\u{3}\u{4}", "RIFF....WAVEfmt ", "    ftypavif", "hello", "\u{89}PN",
  ])
  func otherFormatsAreRefused(start: String) throws {
    let error = failure(try ImageDecoder.decode(Array(start.utf8), name: "x.png"))
    #expect(error?.kind == .format)
    #expect(error?.wanted == "JPEG, PNG or WebP")
    #expect(error?.place == "x.png")
  }

  @Test func aPictureAfterAnotherFormatsStartIsRefused() throws {
    let picture = try Fixtures.image("rgb.png")
    for start in ["%PDF-1.7\n", "<html>", "GIF89a"] {
      #expect(
        failure(try ImageDecoder.decode(Array(start.utf8) + picture))?.kind == .format)
    }
  }

  @Test func pngRoundTrip() throws {
    for (width, height, channels) in [(1, 1, 3), (33, 17, 4), (5, 64, 3)] {
      let image = Fixtures.noiseImage(width, height, channels: channels)
      #expect(try ImageDecoder.decode(try ImageEncoder.png(image)) == image)
    }
    let empty = PixelImage(width: 0, height: 4, channels: 3, pixels: [])
    #expect(failure(try ImageEncoder.png(empty))?.kind == .request)
  }

  @Test func theSmallPictureOfTheseTestsIsRead() throws {
    #expect(try ImageDecoder.decode(PNGBuilder.small()).pixels == PNGBuilder.pixels)
  }
}

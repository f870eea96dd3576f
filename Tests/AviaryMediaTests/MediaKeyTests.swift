import AviaryCore
import Testing

@testable import AviaryMedia

struct MediaKeyTests {
  private func key(_ image: PixelImage, _ processor: String = "llava", _ parameters: String = "336", _ model: String = "m")
    -> MediaKey
  {
    MediaKey(image, processor: processor, parameters: parameters, model: model)
  }

  @Test func equalPicturesShareAKey() {
    #expect(key(Fixtures.noiseImage(4, 4)) == key(Fixtures.noiseImage(4, 4)))
    #expect(key(Fixtures.noiseImage(4, 4)).description.count == 64)
  }

  @Test func everyPartCounts() {
    let pixels = [UInt8](repeating: 5, count: 30 * 150 * 3)
    let tall = PixelImage(width: 30, height: 150, channels: 3, pixels: pixels)
    let wide = PixelImage(width: 150, height: 30, channels: 3, pixels: pixels)
    var other = tall
    other.pixels[7] ^= 1
    let small = PixelImage(width: 3, height: 4, channels: 4, pixels: [UInt8](repeating: 5, count: 48))
    let sameBytes = PixelImage(width: 4, height: 4, channels: 3, pixels: small.pixels)
    let keys = [
      key(tall), key(wide), key(other), key(small), key(sameBytes), key(tall, "x"), key(tall, "llava", "448"),
      key(tall, "llava", "336", "n"),
      // The same characters on other sides of the borders between the parts.
      key(tall, "llav", "a336", "m"), key(tall, "llava", "33", "6m"), key(tall, "llava", "336m", ""),
    ]
    #expect(Set(keys).count == keys.count)
  }

  /// The bytes that go in are part of the contract of a cache on disk.
  @Test func framing() {
    let image = PixelImage(width: 1, height: 1, channels: 3, pixels: [1, 2, 3])
    let parts = ["aviary media 1", "1x1x3", "p", "q", "r", "\u{1}\u{2}\u{3}"].map { Array($0.utf8) }
    let framed: [UInt8] = parts.flatMap { [UInt8($0.count), 0, 0, 0, 0, 0, 0, 0] + $0 }
    #expect(key(image, "p", "q", "r").description == Fixtures.hash(framed))
  }
}

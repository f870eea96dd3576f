import AviaryCore
import Testing

@testable import AviaryMedia

struct OrientationTests {
  /// A TIFF block with one directory.
  private func tiff(
    big: Bool, tag: Int = 0x0112, type: Int = 3, count: Int = 1, value: Int, directory: Int = 8, entries: Int = 1
  ) -> [UInt8] {
    func number(_ value: Int, _ bytes: Int) -> [UInt8] {
      let digits = (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return big ? digits.reversed() : digits
    }
    let start: [UInt8] = big ? [0x4D, 0x4D, 0, 0x2A] : [0x49, 0x49, 0x2A, 0]
    return start + number(directory, 4) + number(entries, 2) + number(tag, 2) + number(type, 2) + number(count, 4)
      + number(value, 2) + [0, 0] + number(8, 4)
  }

  private func read(_ block: [UInt8]) -> Orientation? {
    block.withUnsafeBytes { Orientation.read($0[...]) }
  }

  @Test(arguments: [true, false])
  func bothByteOrders(big: Bool) {
    #expect(read(tiff(big: big, value: 6)) == .turnedRight)
    #expect(read(Array("Exif\0\0".utf8) + tiff(big: big, value: 8)) == .turnedLeft)
  }

  @Test(arguments: [true, false])
  func whatMakesNoSenseIsUpright(big: Bool) {
    #expect(read(tiff(big: big, value: 0)) == nil)
    #expect(read(tiff(big: big, value: 9)) == nil)
    #expect(read(tiff(big: big, type: 4, value: 6)) == nil)
    #expect(read(tiff(big: big, count: 2, value: 6)) == nil)
    #expect(read(tiff(big: big, value: 6, directory: 0x7FFF_FFFF)) == nil)
    #expect(read(tiff(big: big, value: 6, directory: 0xFFFF_FFFF)) == nil)
    #expect(read(tiff(big: big, tag: 5, value: 6, entries: 65535)) == nil)
    for length in 0..<22 { _ = read(Array(tiff(big: big, value: 6).prefix(length))) }
    #expect(read(Array("II*".utf8)) == nil)
  }

  /// A directory that names itself as the next one: only one directory is ever read.
  @Test func loopOfDirectories() {
    #expect(read(tiff(big: false, tag: 5, value: 6)) == nil)
    #expect(read(tiff(big: false, tag: 5, value: 6, directory: 0)) == nil)
  }

  @Test func pngBlockAfterThePixelsAndDamagedOnes() throws {
    let exif = PNGBuilder.chunk("eXIf", tiff(big: true, value: 3))
    let turned: [UInt8] = [255, 255, 255, 0, 0, 255, 0, 255, 0, 255, 0, 0]
    #expect(try ImageDecoder.decode(PNGBuilder.small(extra: exif)).pixels == turned)
    let late = Array(PNGBuilder.small().dropLast(PNGBuilder.end.count)) + exif + PNGBuilder.end
    #expect(try ImageDecoder.decode(late).pixels == turned)
    let damaged = PNGBuilder.chunk("eXIf", Array(tiff(big: true, value: 3).prefix(15)))
    #expect(try ImageDecoder.decode(PNGBuilder.small(extra: damaged)).pixels == PNGBuilder.pixels)
  }

  /// Turning by an orientation and then by its inverse gives the picture back.
  @Test func inverses() {
    let image = Fixtures.noiseImage(5, 3, channels: 4)
    let pairs: [(Orientation, Orientation)] = [
      (.upright, .upright), (.mirrored, .mirrored), (.turnedHalf, .turnedHalf), (.flipped, .flipped),
      (.transposed, .transposed), (.turnedRight, .turnedLeft), (.transversed, .transversed),
    ]
    for (there, back) in pairs {
      #expect(image.oriented(there).oriented(back) == image)
      if there != .upright { #expect(image.oriented(there) != image) }
    }
  }
}

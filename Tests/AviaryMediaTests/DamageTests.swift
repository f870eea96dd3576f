import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryMedia

/// What untrusted bytes may do: give a picture or a typed error, never a crash, a hang or a large allocation.
struct DamageTests {
  static let files = [
    "baseline-420.jpg", "progressive.jpg", "optimised-restart.jpg", "cmyk.jpg", "ycck.jpg", "grey.jpg", "rgb.png",
    "palette8-trns.png", "grey16-interlaced.png", "interlaced-rgba.png", "grey-alpha16.png", "lossy.webp",
    "lossless-alpha.webp", "lossy-alpha.webp", "animated.webp", "exif6.jpg", "exif6.webp", "animated.png",
  ]

  private func decode(_ bytes: [UInt8], _ limits: Limits = .standard) -> AviaryError? {
    failure(try ImageDecoder.decode(bytes, limits: limits))
  }

  @Test(arguments: files)
  func truncatedAtEverySixtyFourth(name: String) throws {
    let bytes = try Fixtures.image(name)
    for part in 0..<64 {
      let error = decode(Array(bytes.prefix(bytes.count * part / 64)))
      #expect(error?.kind == .format, "\(part)/64 of \(name)")
    }
    for cut in 1...3 {
      let error = decode(Array(bytes.dropLast(cut)))
      #expect(error == nil || error?.kind == .format)
    }
  }

  /// Half the bytes of a picture that once came out grey at the bottom.
  @Test(arguments: ["baseline-420.jpg", "progressive.jpg"])
  func aCutJPEGWithAnEndMarkIsRefused(name: String) throws {
    let bytes = try Fixtures.image(name)
    #expect(decode(Array(bytes[..<(bytes.count * 3 / 4)]) + [0xFF, 0xD9])?.kind == .format)
  }

  @Test(arguments: files)
  func flippedBits(name: String) throws {
    let bytes = try Fixtures.image(name)
    var limits = Limits.standard
    limits.imagePixels = 1 << 20  // a flipped size must not make the test slow
    var random = SplitMix(state: 42)
    for _ in 0..<400 {
      var damaged = bytes
      for _ in 0..<(1 + random.next() % 3) {
        damaged[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
      }
      let error = decode(damaged, limits)
      #expect(error == nil || error?.kind == .format || error?.kind == .limit, "\(name): \(error?.description ?? "")")
    }
  }

  @Test func headersThatLie() throws {
    for (width, height) in [(65535, 65535), (0x7FFF_FFFF, 0x7FFF_FFFF), (16385, 1), (1, 16385), (16384, 16384)] {
      let png =
        PNGBuilder.signature + PNGBuilder.header(width: width, height: height)
        + PNGBuilder.chunk("IDAT", PNGBuilder.stored(PNGBuilder.rows)) + PNGBuilder.end
      #expect(decode(png)?.kind == .limit, "\(width)x\(height)")
    }
    var jpeg = try Fixtures.image("baseline-420.jpg")
    let frame = try #require(jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    for i in 5...8 { jpeg[frame + i] = 0xFF }
    #expect(decode(jpeg)?.kind == .limit)
    for i in 5...8 { jpeg[frame + i] = 0x1F }  // 7967x7967, more than the limit of pixels
    #expect(decode(jpeg)?.kind == .limit)
    for i in 5...8 { jpeg[frame + i] = 0x0F }  // allowed, but the data ends early
    #expect(decode(jpeg)?.kind == .format)
    let large =
      PNGBuilder.signature + PNGBuilder.header(width: 7000, height: 7000)
      + PNGBuilder.chunk("IDAT", PNGBuilder.stored(PNGBuilder.rows)) + PNGBuilder.end
    #expect(decode(large)?.kind == .format)
  }

  @Test func zeroSizes() throws {
    for (width, height) in [(0, 2), (2, 0), (0, 0)] {
      let png =
        PNGBuilder.signature + PNGBuilder.header(width: width, height: height)
        + PNGBuilder.chunk("IDAT", PNGBuilder.stored(PNGBuilder.rows)) + PNGBuilder.end
      #expect(decode(png)?.kind == .format)
    }
    var jpeg = try Fixtures.image("grey.jpg")
    let frame = try #require(jpeg.indices.dropLast().first { jpeg[$0] == 0xFF && jpeg[$0 + 1] == 0xC0 })
    for i in 5...6 { jpeg[frame + i] = 0 }
    #expect(decode(jpeg)?.kind == .format)
  }

  @Test func limitsAreObeyed() throws {
    let bytes = try Fixtures.image("rgb.png")  // 45x31
    var limits = Limits.standard
    limits.imagePixels = 45 * 31
    limits.imageSide = 45
    limits.imageFileBytes = bytes.count
    #expect(decode(bytes, limits) == nil)
    for path: WritableKeyPath<Limits, Int> in [\.imagePixels, \.imageSide, \.imageFileBytes] {
      var tight = limits
      tight[keyPath: path] -= 1
      #expect(decode(bytes, tight)?.kind == .limit)
    }
  }

  @Test(arguments: ["rgb.png", "baseline-420.jpg", "progressive.jpg", "lossy.webp", "animated.webp"])
  func theTimeLimitIsObeyed(name: String) throws {
    var limits = Limits.standard
    limits.imageDecodeSeconds = 0
    let error = decode(try Fixtures.image(name), limits)
    #expect(error?.kind == .limit)
    #expect(error?.found.contains("too long") == true)
  }

  @Test func manyScansAreRefused() throws {
    let bytes = try Fixtures.image("progressive.jpg")
    let scans = bytes.indices.dropLast().filter { bytes[$0] == 0xFF && bytes[$0 + 1] == 0xDA }
    let first = try #require(scans.first)
    // From the first scan to the segment after it.
    let next = try #require(
      bytes.indices.dropLast().first { $0 > first + 12 && bytes[$0] == 0xFF && bytes[$0 + 1] != 0 })
    let scan = bytes[first..<next]
    let bomb = Array(bytes[..<first]) + Array(repeatElement(scan, count: 2000).joined()) + [0xFF, 0xD9]
    let error = decode(bomb)
    #expect(error?.kind == .limit)
    #expect(error?.found.contains("scans") == true)
  }

  /// What a text or profile chunk inflates to is never looked at; see Fixtures/README.md.
  @Test(arguments: ["bomb-text.png", "bomb-profile.png"])
  func compressedBombsAreSkipped(name: String) throws {
    #expect(try ImageDecoder.decode(try Fixtures.image(name)).width == 21)
  }

  /// More pixel data than the header has room for: read as far as needed.
  @Test func tooMuchPixelData() throws {
    let error = decode(try Fixtures.image("bomb-idat.png"))
    #expect(error == nil || error?.kind == .format)
  }

  @Test func tenThousandChunks() throws {
    let text = PNGBuilder.chunk("tEXt", Array("a\0b".utf8))
    let profile = PNGBuilder.chunk("iCCP", Array("a\0\0nonsense".utf8))
    let many = Array(repeatElement(text + profile, count: 10_000).joined())
    #expect(try ImageDecoder.decode(PNGBuilder.small(extra: many)).pixels == PNGBuilder.pixels)

    let data = PNGBuilder.stored(PNGBuilder.rows)
    let bytewise = data.flatMap { PNGBuilder.chunk("IDAT", [$0]) }
    let empty = Array(repeatElement(PNGBuilder.chunk("IDAT", []), count: 10_000).joined())
    let file = PNGBuilder.signature + PNGBuilder.header(width: 2, height: 2) + empty + bytewise + PNGBuilder.end
    #expect(try ImageDecoder.decode(file).pixels == PNGBuilder.pixels)
  }

  @Test func noLibraryTextInErrors() throws {
    let error = try #require(decode(Array(try Fixtures.image("rgb.png").prefix(200))))
    #expect(error.description == "image: the PNG data ends before the picture does; wanted the whole file")
  }
}

/// A small generator with a fixed seed.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }
}

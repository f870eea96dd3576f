import AviaryCore
import Testing

@testable import AviaryMedia

struct OtherResizeTests {
  /// Values of OpenCV's `resize` with `INTER_LINEAR`.
  @Test func plainBilinearEqualsOpenCV() throws {
    let pair = PixelImage(width: 2, height: 1, channels: 3, pixels: [0, 10, 255, 255, 200, 0])
    #expect(try pair.resizedPlainBilinear(width: 4, height: 1).pixels == [0, 10, 255, 64, 58, 191, 191, 153, 64, 255, 200, 0])
    let grey: [UInt8] = [0, 90, 200, 255, 7, 31]
    let six = PixelImage(width: 3, height: 2, channels: 3, pixels: grey.flatMap { [$0, $0, $0] })
    let out = try six.resizedPlainBilinear(width: 2, height: 3)
    #expect(stride(from: 0, to: 18, by: 3).map { out.pixels[$0] } == [22, 172, 108, 99, 193, 25])
    #expect(failure(try six.resizedPlainBilinear(width: 0, height: 3))?.kind == .format)
    #expect(failure(try six.resizedPlainBilinear(width: 20_000, height: 3))?.kind == .limit)
  }

  /// Hashes of what OpenCV 5.0.0 makes of noise.
  @Test(arguments: [
    (33, 65, 56, 56, "1afb6299f8bf91966b76ba528b9d6ac7ffdf788bcc927857c2d6760f4f621e39"),
    (97, 38, 41, 19, "a53d42d7cb0050af19874a7129a3420ab4a01f9a0f052be9c9e765f29a275b5c"),
    (5, 3, 64, 64, "9ab0e3a0d64c62071150aeceb0d1206f1217e186d25a33b759919aaf96a28796"),
    (1, 7, 3, 5, "13a3bb045dcbb028bf6f2b18c0ec7e0967194f618f5bd4bdca0edd7c707cf196"),
    (64, 48, 32, 24, "cc448d1f5b2373c23262e592cf4a8f6345d4bfa42924eca183efccd0b3918a52"),
  ])
  func plainBilinearOfNoise(w: Int, h: Int, newWidth: Int, newHeight: Int, hash: String) throws {
    let out = try Fixtures.noiseImage(w, h).resizedPlainBilinear(width: newWidth, height: newHeight)
    #expect(Fixtures.hash(out.pixels) == hash)
  }

  /// Halving with a triangle of two pixels to each side: the edge pixel sees three, in shares of 3, 3 and 1 of 7.
  @Test func floatsAreAntialiased() throws {
    let row = PixelTensor(shape: [1, 1, 1, 4], values: [1, 2, 3, 10])
    let half = try row.resized(width: 2, height: 1)
    #expect(half.shape == [1, 1, 1, 2])
    #expect(abs(half.values[0] - 12.0 / 7) < 1e-6 && abs(half.values[1] - (2 + 9 + 30) / 7.0) < 1e-6)
    let column = PixelTensor(shape: [2, 1, 4, 1], values: [1, 2, 3, 10, 1, 2, 3, 10])
    #expect(try column.resized(width: 1, height: 2).values == half.values + half.values)
  }

  @Test func floatsOfOddShapesAreRefused() throws {
    let flat = PixelTensor(shape: [4], values: [1, 2, 3, 4])
    #expect(failure(try flat.resized(width: 2, height: 1))?.kind == .config)
    #expect(failure(try flat.normalized(by: .clip()))?.kind == .config)
    let row = PixelTensor(shape: [1, 1, 1, 4], values: [1, 2, 3, 4])
    #expect(failure(try row.resized(width: 2, height: 1, filter: .nearest))?.kind == .config)
    #expect(failure(try row.resized(width: 0, height: 1)) != nil)
  }

  @Test func floatsAreNormalisedByChannel() throws {
    let pixels = PixelTensor(shape: [1, 3, 1, 1], values: [1, 0.5, 0])
    let constants = try Normalization(mean: [0, 0.25, 0.5], std: [0.5, 0.5, 0.25])
    #expect(try pixels.normalized(by: constants).values == [2, 0.5, -2])
  }
}

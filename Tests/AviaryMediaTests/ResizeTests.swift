import AviaryCore
import Testing

@testable import AviaryMedia

struct ResizeTests {
  static let cases = Fixtures.table("resize.txt")

  @Test func thereAreCases() { #expect(Self.cases.count > 100) }

  @Test(arguments: cases)
  func equalsPillow(line: [String]) throws {
    let n = line.compactMap(Int.init)
    let filters: [String: ResampleFilter] = [
      "nearest": .nearest, "lanczos": .lanczos, "bilinear": .bilinear, "bicubic": .bicubic, "box": .box,
      "hamming": .hamming,
    ]
    let filter = try #require(filters[line[5]])
    let image = Fixtures.noiseImage(n[0], n[1], channels: n[2])
    let resized = try image.resized(width: n[3], height: n[4], filter: filter)
    #expect(resized.width == n[3] && resized.height == n[4])
    #expect(Fixtures.hash(resized.pixels) == line[6])
  }

  /// A flat picture stays flat, whatever the sizes: the weights of each pixel sum to one.
  @Test(arguments: ResampleFilter.allCases)
  func flatStaysFlat(filter: ResampleFilter) throws {
    let flat = PixelImage(width: 7, height: 5, channels: 3, pixels: [UInt8](repeating: 200, count: 105))
    let out = try flat.resized(width: 3, height: 11, filter: filter)
    #expect(out.pixels.allSatisfy { $0 == 200 })
  }

  @Test(arguments: [3, 4])
  func windowEqualsCrop(channels: Int) throws {
    let image = Fixtures.noiseImage(61, 43, channels: channels)
    let part = PixelWindow(columns: 5..<29, rows: 11..<12)
    for filter in ResampleFilter.allCases {
      for (width, height) in [(40, 90), (61, 20), (30, 43), (61, 43)] {
        let whole = try image.resized(width: width, height: height, filter: filter)
        #expect(try image.resized(width: width, height: height, filter: filter, window: part) == whole.cropped(part))
      }
    }
  }

  @Test func refusesSizesThatMakeNoSense() throws {
    let image = Fixtures.noiseImage(8, 8)
    for (width, height) in [(0, 5), (5, -1), (Int.max, 1), (1, Int.max)] {
      #expect(failure(try image.resized(width: width, height: height))?.kind == .config)
    }
    #expect(failure(try image.resized(width: 16385, height: 8))?.kind == .limit)
    #expect(failure(try image.resized(width: 16384, height: 16384))?.kind == .limit)
    let outside = PixelWindow(columns: 0..<5, rows: 0..<17)
    #expect(
      failure(try image.resized(width: 16, height: 16, window: outside))?.kind == .config)
  }

  /// The resized whole would have 1.8 billion pixels; only the middle is computed.
  @Test func sliversAreCroppedWithoutTheWhole() throws {
    for (width, height) in [(1, 16384), (16384, 1)] {
      let image = Fixtures.noiseImage(width, height)
      let out = try image.resizedShortestEdgeCropped(to: 336, cropWidth: 336, cropHeight: 336)
      #expect(out.width == 336 && out.height == 336)
      #expect(failure(try image.resizedShortestEdge(to: 336))?.kind == .limit)
    }
  }

  @Test func shortestEdgeThenCropEqualsTheTwoSteps() throws {
    for (width, height, edge, crop) in [(97, 38, 20, 20), (38, 97, 20, 11), (50, 50, 20, 30), (97, 38, 20, 33)] {
      for rounding in [CropRounding.down, .halfToEven] {
        let image = Fixtures.noiseImage(width, height)
        let steps = try image.resizedShortestEdge(to: edge)
          .centerCropped(width: crop, height: crop, rounding: rounding)
        #expect(
          try image.resizedShortestEdgeCropped(to: edge, cropWidth: crop, cropHeight: crop, rounding: rounding) == steps)
      }
    }
  }
}

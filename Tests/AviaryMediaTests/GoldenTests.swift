import AviaryCore
import Testing

@testable import AviaryMedia

/// Whole pipelines against `pixel_values` of the recorded runs.
@Suite(.enabled(if: Golden.isThere))
struct GoldenTests {
  /// JPEG decoders may differ by a grey level or two.
  private func check(_ pixels: PixelTensor, _ golden: String, _ name: String = "pixel_values", at offset: Int = 0) throws {
    let expected = try Golden.tensor(name, of: golden)
    let part = Array(expected.values.dropFirst(offset).prefix(pixels.values.count))
    let difference = Golden.largestDifference(pixels.values, part)
    let isJPEG = try Golden.pictures(golden).contains { $0.hasSuffix(".jpg") }
    #expect(difference <= (isJPEG ? 0.03 : 1e-5), "\(golden)")
  }

  @Test(arguments: [("llava-hf-single", 56), ("llava-hf-multi", 70), ("llava-hf-odd-fp16", 84)])
  func shortestEdgeAndCrop(golden: String, side: Int) throws {
    let images = try Golden.pictures(golden).map {
      try ImageFile.load($0).rgb().resizedShortestEdgeCropped(to: side, cropWidth: side, cropHeight: side)
    }
    try check(Normalization.clip()(images), golden)
  }

  @Test(arguments: [
    ("llava-orig-single", 56), ("llava-orig-multi", 70), ("llava-orig-odd", 84), ("yi-vl-single", 56),
    ("yi-vl-multi", 70), ("yi-vl-odd", 84),
  ])
  func paddedToSquare(golden: String, side: Int) throws {
    let fill = try PixelColour(mean: Normalization.clipMean)
    let images = try Golden.pictures(golden).map {
      try ImageFile.load($0).rgb().paddedToSquare(fill: fill)
        .resizedShortestEdgeCropped(to: side, cropWidth: side, cropHeight: side)
    }
    try check(Normalization.clip()(images), golden)
  }

  @Test(arguments: ["llava-next-single", "llava-next-multi", "llava-next-odd", "llava-next-small"])
  func anyResolution(golden: String) throws {
    let config = try Golden.json("\(golden)/model/preprocessor_config.json")
    let pinpoints = try #require(config["image_grid_pinpoints"] as? [[Int]])
    let shape = try Golden.tensor("pixel_values", of: golden).shape
    for (i, path) in try Golden.pictures(golden).enumerated() {
      let image = try ImageFile.load(path).rgb()
      let grid = try AnyResolution.bestGrid(
        imageSize: .init(width: image.width, height: image.height), pinpoints: pinpoints, order: .heightWidth)
      let views = try AnyResolution.views(of: image, grid: grid, tileSide: shape[3])
      try check(Normalization.clip()(views), golden, at: i * shape[1] * 3 * shape[3] * shape[4])
    }
  }

  @Test(arguments: [
    ("qwen-vl-chat-single", 56), ("qwen-vl-base-odd", 56), ("qwen-vl-chat-multi", 238), ("qwen-vl-chat-448-bf16", 448),
    ("minigpt4-single", 56), ("minigpt4-multi", 70), ("minigpt4-odd", 84), ("minigpt4-llama2-single", 84),
  ])
  func squashed(golden: String, side: Int) throws {
    let images = try Golden.pictures(golden).map { try ImageFile.load($0).rgb().resized(width: side, height: side) }
    try check(Normalization.clip()(images), golden)
  }

  @Test(arguments: [("vary-toy-ocr", 256), ("vary-toy-two-images", 256)])
  func twoTowers(golden: String, side: Int) throws {
    let images = try Golden.pictures(golden).map { try ImageFile.load($0).rgb() }
    let high = try images.map { (i) throws in try i.resized(width: side, height: side) }
    let low = try images.map { (i) throws in try i.resizedShortestEdgeCropped(to: 56, cropWidth: 56, cropHeight: 56) }
    try check(Normalization.clip()(high), golden, "pixel_values_high")
    try check(Normalization.clip()(low), golden)
  }

  /// Flamingo resizes a picture with alpha before it drops the alpha, and crops as torchvision does. These cases were
  /// made with a Pillow that resizes tall pictures vertically first; two resizes of one axis each give that order.
  @Test(arguments: ["flamingo-mpt1b-2shot", "flamingo-mpt1b-media-mask", "flamingo-mpt1b-single", "flamingo-mpt7b-odd"])
  func flamingo(golden: String) throws {
    let images = try Golden.pictures(golden).map { path in
      let image = try ImageFile.load(path)
      let size = try image.shortestEdgeSize(56)
      let isTall = path.hasSuffix("tall.png")
      return try (isTall ? image.resized(width: image.width, height: size.height) : image)
        .resized(width: size.width, height: size.height)
        .centerCropped(width: 56, height: 56, rounding: .halfToEven).rgb()
    }
    try check(Normalization.clip()(images), golden)
  }

  @Test(arguments: ["flamingo-idefics-single", "flamingo-idefics-odd", "flamingo-idefics-fewshot-instruct"])
  func compositedOnWhite(golden: String) throws {
    let images = try Golden.pictures(golden).map { path in
      let image = try ImageFile.load(path).composited(on: .white)
      let isTall = path.hasSuffix("tall.png")
      return try (isTall ? image.resized(width: image.width, height: 56) : image).resized(width: 56, height: 56)
    }
    try check(Normalization.clip()(images), golden)
  }

  /// Fits the longer side, pads to a square, and for the second tower resizes the floats once more.
  @Test(arguments: ["deepseek-vl-orig7-single", "deepseek-vl-orig7-odd"])
  func twoResolutions(golden: String) throws {
    let fill = try PixelColour(mean: Normalization.clipMean)
    let image = try ImageFile.load(try #require(Golden.pictures(golden).first)).rgb()
    let scale = 256 / Double(max(image.width, image.height))
    let fitted = try image.resized(width: Int(Double(image.width) * scale), height: Int(Double(image.height) * scale))
    let high = try Normalization.rescaleOnly()(fitted.paddedToSquare(fill: fill))
    try check(high, golden)
    let half = try Normalization(mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5])
    try check(high.resized(width: 96, height: 96).normalized(by: half), golden, "low_res_pixels_normalized")
  }

  @Test func plainBilinear() throws {
    let golden = "vary-base-doc-bf16"
    let image = try ImageFile.load(try #require(Golden.pictures(golden).first)).rgb()
    let imagenet = try Normalization(mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225])
    try check(imagenet(image.resizedPlainBilinear(width: 256, height: 256)), golden, "pixel_values_high")
  }
}

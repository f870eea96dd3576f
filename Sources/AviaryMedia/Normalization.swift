public import AviaryCore
public import AviaryTensor

/// From 8-bit pixels to the floats that an encoder sees: `(pixel * rescale - mean) / std`.
///
/// The arithmetic is that of Hugging Face's processors: the product in double precision, rounded to float, the rest in
/// float. There are only 256 pixel values, so each channel is one table.
public struct Normalization: Sendable, Hashable {
  /// Of red, green and blue.
  public let mean: [Double]
  public let std: [Double]
  public let rescale: Double
  private let tables: [Float]  // [3, 256]

  /// - Throws: `.config` unless there are three finite means and three finite standard deviations above zero.
  public init(mean: [Double], std: [Double], rescale: Double = 1 / 255) throws(AviaryError) {
    guard mean.count == 3, mean.allSatisfy(\.isFinite) else {
      throw AviaryError(.config, "the image mean is \(mean)", wanted: "three numbers")
    }
    guard std.count == 3, std.allSatisfy({ $0.isFinite && $0 > 0 && Float($0) > 0 }) else {
      throw AviaryError(.config, "the image standard deviation is \(std)", wanted: "three numbers above 0")
    }
    guard rescale.isFinite else {
      throw AviaryError(.config, "the rescale factor is \(rescale)", wanted: "a number")
    }
    (self.mean, self.std, self.rescale) = (mean, std, rescale)
    tables = (0..<3).flatMap { channel in
      (0..<256).map { (Float(Double($0) * rescale) - Float(mean[channel])) / Float(std[channel]) }
    }
  }

  /// Pixels of `[0, 1]`: no mean, no standard deviation.
  public static func rescaleOnly() throws(AviaryError) -> Normalization {
    try Normalization(mean: [0, 0, 0], std: [1, 1, 1])
  }

  /// CLIP's constants, which most vision towers here share.
  public static func clip() throws(AviaryError) -> Normalization {
    try Normalization(mean: clipMean, std: clipStd)
  }
  public static let clipMean = [0.48145466, 0.4578275, 0.40821073]
  public static let clipStd = [0.26862954, 0.26130258, 0.27577711]

  /// Planes of the pictures, channels first; alpha is dropped.
  ///
  /// - Returns: [pictures, 3, height, width]
  /// - Throws: `.request` where there are no pictures or their sizes differ.
  public func callAsFunction(_ images: [PixelImage]) throws(AviaryError) -> PixelTensor {
    guard let first = images.first else { throw AviaryError(.request, "there are no pictures to normalise") }
    for image in images where image.width != first.width || image.height != first.height {
      throw AviaryError(
        .request, "pictures of \(first.width)x\(first.height) and \(image.width)x\(image.height) are to be one batch",
        wanted: "equal sizes")
    }
    let plane = first.width * first.height
    let values = [Float](unsafeUninitializedCapacity: images.count * 3 * plane) { out, filled in
      tables.withUnsafeBufferPointer { tables in
        for (n, image) in images.enumerated() {
          image.pixels.withUnsafeBufferPointer { pixels in
            for channel in 0..<3 {
              let to = (n * 3 + channel) * plane
              for i in 0..<plane { out[to + i] = tables[channel * 256 + Int(pixels[i * image.channels + channel])] }
            }
          }
        }
      }
      filled = images.count * 3 * plane
    }
    return PixelTensor(shape: [images.count, 3, first.height, first.width], values: values)
  }

  public func callAsFunction(_ image: PixelImage) throws(AviaryError) -> PixelTensor { try self([image]) }
}

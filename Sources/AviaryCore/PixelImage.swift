/// A decoded picture: 8 bits a channel, rows from the top, upright (EXIF orientation applied).
public struct PixelImage: Sendable, Hashable {
  public let width: Int
  public let height: Int
  /// 3 for RGB, 4 for RGB with straight alpha.
  public let channels: Int
  /// `height * width * channels` bytes.
  public var pixels: [UInt8]

  /// - Precondition: the bytes fit the sizes.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    precondition(pixels.count == width * height * channels, "\(pixels.count) bytes for \(width)x\(height)x\(channels)")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }
}

/// Normalised pixels, ready for an encoder: planes of floats, channels first.
public struct PixelTensor: Sendable, Hashable {
  /// [tiles, 3, height, width]
  public let shape: [Int]
  public var values: [Float]

  public init(shape: [Int], values: [Float]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values for \(shape)")
    self.shape = shape
    self.values = values
  }
}

public import AviaryCore
public import AviaryTensor

/// The preparation of pictures that `preprocessor_config.json` describes for CLIP's processor and those derived from
/// it: shortest edge, centre crop, rescale, normalise. Reads the old form (`"size": 336`) and the new one
/// (`"size": {"shortest_edge": 336}`).
public struct CLIPPreprocessor: Sendable, Hashable {
  public enum Size: Sendable, Hashable {
    case shortestEdge(Int)
    case exact(height: Int, width: Int)
  }
  /// nil where pictures are not resized.
  public var size: Size?
  /// nil where pictures are not cropped.
  public var crop: (height: Int, width: Int)? { cropSize.map { ($0.height, $0.width) } }
  private var cropSize: AnyResolution.Size?
  public var filter: ResampleFilter
  public var normalization: Normalization

  /// - Parameter side: the encoder's picture size, for what the file leaves out.
  /// - Throws: `.config` with the key path.
  public init(_ c: ConfigReader, side: Int, limits: Limits = .standard) throws(AviaryError) {
    let range = 1...limits.imageSide
    size = try c.bool("do_resize", default: true) ? try Self.size(c, side, range) : nil
    cropSize = try c.bool("do_center_crop", default: true) ? try Self.crop(c, side, range) : nil
    let code = try c.int("resample", default: ResampleFilter.bicubic.rawValue, in: 0...5)
    guard let filter = ResampleFilter(rawValue: code) else {
      throw AviaryError(.config, "resample \(code)", wanted: "one of Pillow's filters, 0 to 5", at: c.place)
    }
    self.filter = filter
    let normalizes = try c.bool("do_normalize", default: true)
    let rescales = try c.bool("do_rescale", default: true)
    normalization = try Normalization(
      mean: normalizes ? try c.numbers("image_mean", count: 3, default: Normalization.clipMean) : [0, 0, 0],
      std: normalizes ? try c.numbers("image_std", count: 3, default: Normalization.clipStd) : [1, 1, 1],
      rescale: rescales ? try c.number("rescale_factor", default: 1 / 255, in: 1e-9...1e9) : 1)
  }

  private static func size(_ c: ConfigReader, _ side: Int, _ range: ClosedRange<Int>) throws(AviaryError) -> Size {
    if c.value("size")?.int != nil { return .shortestEdge(try c.int("size", in: range)) }
    guard let object = try c.object("size") else { return .shortestEdge(side) }
    if object.has("shortest_edge") { return .shortestEdge(try object.int("shortest_edge", in: range)) }
    return .exact(height: try object.int("height", in: range), width: try object.int("width", in: range))
  }

  private static func crop(_ c: ConfigReader, _ side: Int, _ range: ClosedRange<Int>) throws(AviaryError) -> AnyResolution.Size {
    if c.value("crop_size")?.int != nil {
      let side = try c.int("crop_size", in: range)
      return AnyResolution.Size(width: side, height: side)
    }
    guard let object = try c.object("crop_size") else { return AnyResolution.Size(width: side, height: side) }
    return AnyResolution.Size(width: try object.int("width", in: range), height: try object.int("height", in: range))
  }

  /// The side of the pictures that come out; throws where they are not squares of the encoder's size.
  public func check(encoderSide: Int, at place: String) throws(AviaryError) {
    let result: (height: Int, width: Int)?
    if let crop { result = crop } else if case .exact(let height, let width)? = size { result = (height, width) } else { result = nil }
    guard let result else { return }
    guard result.height == encoderSide, result.width == encoderSide else {
      throw AviaryError(.config, "pictures are cropped to \(result.width)x\(result.height)", wanted: "\(encoderSide)x\(encoderSide), the encoder's image_size", at: place)
    }
  }

  /// Resized and cropped, 8 bits a channel.
  public func resized(_ image: PixelImage) throws(AviaryError) -> PixelImage {
    switch (size, crop) {
    case (.shortestEdge(let edge)?, let crop?):
      return try image.resizedShortestEdgeCropped(to: edge, cropWidth: crop.width, cropHeight: crop.height, filter: filter)
    case (let size, let crop):
      var result = image
      switch size {
      case .shortestEdge(let edge)?: result = try image.resizedShortestEdge(to: edge, filter: filter)
      case .exact(let height, let width)?: result = try image.resized(width: width, height: height, filter: filter)
      case nil: break
      }
      return try crop.map { crop throws(AviaryError) in try result.centerCropped(width: crop.width, height: crop.height) } ?? result
    }
  }

  /// [1, 3, h, w]
  public func callAsFunction(_ image: PixelImage) throws(AviaryError) -> PixelTensor { try normalization(resized(image)) }
}

public import AviaryCore
public import AviaryTensor

/// An 8-bit colour.
public struct PixelColour: Sendable, Hashable {
  public var red, green, blue: UInt8

  public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  public static let black = PixelColour(0, 0, 0)
  public static let white = PixelColour(255, 255, 255)

  /// `int(mean * 255)` of each channel: the colour that LLaVA and its kin pad with.
  public init(mean: [Double]) throws(AviaryError) {
    guard mean.count == 3, mean.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw AviaryError(.config, "the image mean is \(mean)", wanted: "three numbers from 0 to 1")
    }
    self.init(UInt8(mean[0] * 255), UInt8(mean[1] * 255), UInt8(mean[2] * 255))
  }
}

/// How half a pixel is decided when a crop cannot be centred exactly.
public enum CropRounding: Sendable, Hashable {
  /// `(size - crop) // 2`, Hugging Face's image processors.
  case down
  /// `round((size - crop) / 2)`, halves to the even neighbour: torchvision's `CenterCrop`.
  case halfToEven
}

extension PixelImage {
  /// The three colour channels; alpha is dropped and the colours stay as they are stored.
  public func rgb() -> PixelImage {
    guard channels == 4 else { return self }
    let out = [UInt8](unsafeUninitializedCapacity: width * height * 3) { room, filled in
      pixels.withUnsafeBufferPointer { source in
        for i in 0..<width * height {
          for c in 0..<3 { room[3 * i + c] = source[4 * i + c] }
        }
      }
      filled = width * height * 3
    }
    return PixelImage(width: width, height: height, channels: 3, pixels: out)
  }

  /// The picture laid over a colour, as Pillow's `alpha_composite` does it; without alpha, the picture itself.
  public func composited(on colour: PixelColour) -> PixelImage {
    guard channels == 4 else { return self }
    let below = [Int(colour.red), Int(colour.green), Int(colour.blue)]
    let out = [UInt8](unsafeUninitializedCapacity: width * height * 3) { room, filled in
      pixels.withUnsafeBufferPointer { source in
        for i in 0..<width * height {
          let alpha = Int(source[4 * i + 3])
          if alpha == 0 {
            for c in 0..<3 { room[3 * i + c] = UInt8(below[c]) }
            continue
          }
          // Pillow's fixed point: weights have 7 bits more than alpha, and the sum is divided by 255 by shifts.
          for c in 0..<3 {
            let sum = (Int(source[4 * i + c]) * alpha + below[c] * (255 - alpha) + 128) << 7
            room[3 * i + c] = UInt8(truncatingIfNeeded: ((sum >> 8) + sum) >> 15)
          }
        }
      }
      filled = width * height * 3
    }
    return PixelImage(width: width, height: height, channels: 3, pixels: out)
  }

  /// A part that lies inside the picture.
  func cropped(_ part: PixelWindow) -> PixelImage {
    if part.columns == 0..<width, part.rows == 0..<height { return self }
    var out: [UInt8] = []
    out.reserveCapacity(part.columns.count * part.rows.count * channels)
    for y in part.rows {
      let row = y * width
      out += pixels[(row + part.columns.lowerBound) * channels..<(row + part.columns.upperBound) * channels]
    }
    return PixelImage(width: part.columns.count, height: part.rows.count, channels: channels, pixels: out)
  }

  /// The picture on a larger canvas of one colour (opaque where there is alpha), its corner at (`left`, `top`).
  /// - Precondition: the picture lies on the canvas.
  private func placed(onWidth canvasWidth: Int, height canvasHeight: Int, left: Int, top: Int, fill: [UInt8]) -> PixelImage {
    let emptyRow = Array(repeatElement(fill, count: canvasWidth).joined())
    let right = canvasWidth - left - width
    var out: [UInt8] = []
    out.reserveCapacity(canvasWidth * canvasHeight * channels)
    for _ in 0..<top { out += emptyRow }
    for y in 0..<height {
      out += emptyRow[..<(left * channels)]
      out += pixels[y * width * channels..<(y + 1) * width * channels]
      out += emptyRow[..<(right * channels)]
    }
    for _ in 0..<canvasHeight - top - height { out += emptyRow }
    return PixelImage(width: canvasWidth, height: canvasHeight, channels: channels, pixels: out)
  }

  private func bytes(of colour: PixelColour) -> [UInt8] {
    [colour.red, colour.green, colour.blue] + (channels == 4 ? [255] : [])
  }

  /// The picture centred on a canvas, `(canvas - size) / 2` rounded down from the left and the top.
  ///
  /// - Throws: `.config` where the picture is larger than the canvas, `.limit` where the canvas is too large.
  public func paddedCentered(
    width canvasWidth: Int, height canvasHeight: Int, fill: PixelColour, limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    guard canvasWidth >= width, canvasHeight >= height else {
      throw AviaryError(
        .config, "a picture of \(width)x\(height) is to be padded to \(canvasWidth)x\(canvasHeight)",
        wanted: "a canvas that is no smaller")
    }
    if canvasWidth == width, canvasHeight == height { return self }
    try limits.checkImage(width: canvasWidth, height: canvasHeight, at: "pad")
    return placed(
      onWidth: canvasWidth, height: canvasHeight, left: (canvasWidth - width) / 2, top: (canvasHeight - height) / 2,
      fill: bytes(of: fill))
  }

  /// The picture centred on a square of its longer side (LLaVA's `expand2square`).
  public func paddedToSquare(fill: PixelColour, limits: Limits = .standard) throws(AviaryError) -> PixelImage {
    let side = max(width, height)
    return try paddedCentered(width: side, height: side, fill: fill, limits: limits)
  }

  /// The middle of the picture. Where it is smaller than the crop, zeros stand around it (transparent black where
  /// there is alpha), the larger half at the left and the top, as Hugging Face's processors do.
  public func centerCropped(
    width cropWidth: Int, height cropHeight: Int, rounding: CropRounding = .down, limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    try limits.checkImage(width: cropWidth, height: cropHeight, at: "crop")
    let inner = cropped(
      PixelWindow(
        columns: Self.centre(min(cropWidth, width), of: width, rounding),
        rows: Self.centre(min(cropHeight, height), of: height, rounding)))
    if inner.width == cropWidth, inner.height == cropHeight { return inner }
    return inner.placed(
      onWidth: cropWidth, height: cropHeight, left: (cropWidth - inner.width + 1) / 2,
      top: (cropHeight - inner.height + 1) / 2, fill: [UInt8](repeating: 0, count: channels))
  }

  private static func centre(_ crop: Int, of size: Int, _ rounding: CropRounding) -> Range<Int> {
    let spare = size - crop
    let start =
      switch rounding {
      case .down: spare / 2
      case .halfToEven: spare % 4 == 3 ? spare / 2 + 1 : spare / 2
      }
    return start..<start + crop
  }

  /// The size whose shorter side is `edge`, the longer one `int(edge * long / short)`.
  public func shortestEdgeSize(_ edge: Int) throws(AviaryError) -> (width: Int, height: Int) {
    let (short, long) = (min(width, height), max(width, height))
    let (product, overflow) = edge.multipliedReportingOverflow(by: long)
    guard edge >= 1, short >= 1, !overflow else {
      throw AviaryError(.config, "the shortest edge is \(edge)", wanted: "a positive number of pixels")
    }
    return width <= height ? (edge, product / short) : (product / short, edge)
  }

  /// The picture resized so that its shorter side is `edge` and its shape stays.
  public func resizedShortestEdge(
    to edge: Int, filter: ResampleFilter = .bicubic, limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    let size = try shortestEdgeSize(edge)
    return try resized(width: size.width, height: size.height, filter: filter, limits: limits)
  }

  /// `resizedShortestEdge` followed by `centerCropped`, bit for bit, but only what the crop keeps is computed.
  public func resizedShortestEdgeCropped(
    to edge: Int, cropWidth: Int, cropHeight: Int, filter: ResampleFilter = .bicubic, rounding: CropRounding = .down,
    limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    let size = try shortestEdgeSize(edge)
    try limits.checkImage(width: cropWidth, height: cropHeight, at: "crop")
    let window = PixelWindow(
      columns: Self.centre(min(cropWidth, size.width), of: size.width, rounding),
      rows: Self.centre(min(cropHeight, size.height), of: size.height, rounding))
    let inner = try resized(width: size.width, height: size.height, filter: filter, window: window, limits: limits)
    return try inner.centerCropped(width: cropWidth, height: cropHeight, rounding: rounding, limits: limits)
  }

  /// The picture cut into squares, row by row from the top left.
  ///
  /// - Throws: `.config` where the sides are no multiples of `side`.
  public func tiles(side: Int) throws(AviaryError) -> [PixelImage] {
    guard side >= 1, width % side == 0, height % side == 0 else {
      throw AviaryError(.config, "a picture of \(width)x\(height) is to be cut into tiles of \(side)", wanted: "whole tiles")
    }
    var tiles: [PixelImage] = []
    for top in stride(from: 0, to: height, by: side) {
      for left in stride(from: 0, to: width, by: side) {
        tiles.append(cropped(PixelWindow(columns: left..<left + side, rows: top..<top + side)))
      }
    }
    return tiles
  }
}

public import AviaryCore
public import AviaryTensor

/// LLaVA-NeXT's treatment of pictures of any shape: the best of several grids of tiles, a view of the whole picture in
/// front, and a map of features cut back to the picture's own shape. Ratios are double precision, as in the original.
public enum AnyResolution {
  /// Which number of a grid entry comes first: Hugging Face reads (height, width), the original (width, height).
  public enum PinpointOrder: Sendable, Hashable { case heightWidth, widthHeight }

  /// How `unpad` turns a length into an integer: Hugging Face rounds to 7 digits before it truncates.
  public enum LengthRounding: Sendable, Hashable { case sevenDigits, truncate }

  public struct Size: Sendable, Hashable {
    public var width: Int
    public var height: Int
    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }
  }

  /// The grid that keeps most of the picture's pixels, then the one that wastes least; the first entry wins ties.
  ///
  /// - Throws: `.config` where an entry is not two numbers from 1 to `limits.imageSide`, or there is none.
  public static func bestGrid(
    imageSize: Size, pinpoints: [[Int]], order: PinpointOrder, limits: Limits = .standard
  ) throws(AviaryError) -> Size {
    let wanted = "pairs of numbers from 1 to \(limits.imageSide)"
    guard imageSize.width >= 1, imageSize.height >= 1 else {
      throw AviaryError(.request, "the picture is \(imageSize.width)x\(imageSize.height)", wanted: "at least 1x1")
    }
    var best: (size: Size, effective: Int, waste: Int)?
    for point in pinpoints {
      guard point.count == 2, point.allSatisfy({ (1...max(1, limits.imageSide)).contains($0) }) else {
        throw AviaryError(.config, "a grid entry is \(point)", wanted: wanted, at: "image_grid_pinpoints")
      }
      let grid =
        order == .heightWidth ? Size(width: point[1], height: point[0]) : Size(width: point[0], height: point[1])
      let (w, h) = (Double(imageSize.width), Double(imageSize.height))
      let scale = min(Double(grid.width) / w, Double(grid.height) / h)
      let effective = min(Int(w * scale) * Int(h * scale), imageSize.width * imageSize.height)
      let waste = grid.width * grid.height - effective
      if let best, effective < best.effective || (effective == best.effective && waste >= best.waste) { continue }
      best = (grid, effective, waste)
    }
    guard let best else {
      throw AviaryError(.config, "there is no grid entry", wanted: wanted, at: "image_grid_pinpoints")
    }
    return best.size
  }

  /// The size that fills the grid in one direction and keeps the picture's shape.
  public static func fittedSize(_ image: Size, in grid: Size) -> Size {
    let (scaleX, scaleY) = (Double(grid.width) / Double(image.width), Double(grid.height) / Double(image.height))
    if scaleX < scaleY {
      return Size(width: grid.width, height: min(Int((Double(image.height) * scaleX).rounded(.up)), grid.height))
    }
    return Size(width: min(Int((Double(image.width) * scaleY).rounded(.up)), grid.width), height: grid.height)
  }

  /// The views that the encoder sees: the whole picture squashed to a square, then the grid's tiles row by row, each of
  /// `tileSide` x `tileSide` pixels.
  public static func views(
    of image: PixelImage, grid: Size, tileSide: Int, filter: ResampleFilter = .bicubic, limits: Limits = .standard
  ) throws(AviaryError) -> [PixelImage] {
    let fitted = fittedSize(Size(width: image.width, height: image.height), in: grid)
    let whole = try image.resized(width: tileSide, height: tileSide, filter: filter, limits: limits)
    let tiles = try image.resized(width: fitted.width, height: fitted.height, filter: filter, limits: limits)
      .paddedCentered(width: grid.width, height: grid.height, fill: .black, limits: limits)
      .tiles(side: tileSide)
    return [whole] + tiles
  }

  /// The rows and columns of a feature map that lie on the picture, not on its padding.
  ///
  /// - Parameters:
  ///   - rows: of the whole map, tiles x features per tile; `columns` likewise.
  ///   - imageSize: the picture as it was before any resizing.
  public static func unpad(
    rows: Int, columns: Int, imageSize: Size, rounding: LengthRounding
  ) -> (rows: Range<Int>, columns: Range<Int>) {
    let (w, h) = (Double(imageSize.width), Double(imageSize.height))
    func length(_ x: Double) -> Int {
      switch rounding {
      case .truncate: Int(x)
      case .sevenDigits: Int((x * 1e7).rounded(.toNearestOrEven) / 1e7)
      }
    }
    func kept(_ size: Int, _ wanted: Int) -> Range<Int> {
      let cut = max(0, (size - wanted) / 2)
      return cut..<size - cut
    }
    if w / h > Double(columns) / Double(rows) {
      return (kept(rows, length(h * (Double(columns) / w))), 0..<columns)
    }
    return (0..<rows, kept(columns, length(w * (Double(rows) / h))))
  }

  /// Rows of features that one picture becomes: those of the whole view, then the kept map with a newline per row.
  ///
  /// - Parameter featuresPerSide: features along a tile's side (tile side / patch side).
  public static func tokenCount(
    imageSize: Size, grid: Size, tileSide: Int, featuresPerSide: Int, rounding: LengthRounding
  ) throws(AviaryError) -> Int {
    guard tileSide >= 1, featuresPerSide >= 1, featuresPerSide <= tileSide, imageSize.width >= 1, imageSize.height >= 1,
      grid.width >= tileSide, grid.height >= tileSide, grid.width % tileSide == 0, grid.height % tileSide == 0
    else {
      throw AviaryError(
        .config, "a grid of \(grid.width)x\(grid.height) with tiles of \(tileSide) and \(featuresPerSide) features a side",
        wanted: "whole tiles")
    }
    let kept = unpad(
      rows: grid.height / tileSide * featuresPerSide, columns: grid.width / tileSide * featuresPerSide,
      imageSize: imageSize, rounding: rounding)
    return featuresPerSide * featuresPerSide + kept.rows.count * (kept.columns.count + 1)
  }
}

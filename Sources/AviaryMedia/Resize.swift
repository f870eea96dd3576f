public import AviaryCore
public import AviaryTensor
import CImageShim

/// A rectangle of pixels.
public struct PixelWindow: Sendable, Hashable {
  public var columns: Range<Int>
  public var rows: Range<Int>

  public init(columns: Range<Int>, rows: Range<Int>) {
    self.columns = columns
    self.rows = rows
  }
}

extension PixelImage {
  /// The picture resized as Pillow does it, to the bit: separable, in 8-bit fixed point, the horizontal pass first,
  /// rounded and clipped after each pass; with alpha the colours are weighted by it.
  ///
  /// - Parameter window: compute only this part of the resized picture. The pixels are those of a resize followed by
  ///   a crop, without the work and memory for what the crop drops; a sliver of 1x16384 can thus be brought to a
  ///   shorter side of 336.
  /// - Throws: `.limit` where the part is larger than a picture may be; `.config` where it lies outside.
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResampleFilter = .bicubic, window: PixelWindow? = nil,
    limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    let place = "resize to \(newWidth)x\(newHeight)"
    let longest = Int(Int32.max) / 8
    guard (1...longest).contains(newWidth), (1...longest).contains(newHeight) else {
      throw AviaryError(.config, "the target size is \(newWidth)x\(newHeight)", wanted: "sides of 1 to \(longest)", at: place)
    }
    let part = window ?? PixelWindow(columns: 0..<newWidth, rows: 0..<newHeight)
    guard part.columns.lowerBound >= 0, part.columns.upperBound <= newWidth,
      part.rows.lowerBound >= 0, part.rows.upperBound <= newHeight
    else {
      throw AviaryError(.config, "the window \(part.columns) x \(part.rows) leaves the picture", at: place)
    }
    try limits.checkImage(width: part.columns.count, height: part.rows.count, at: place)
    // Memory of the pass between the two, and the number of multiplications, stay bounded too.
    try limits.checkImage(width: width, height: height, at: place)

    if newWidth == width, newHeight == height { return cropped(part) }
    if filter == .nearest { return nearest(newWidth, newHeight, part) }
    if channels == 4 {
      return premultiplied().convolved(newWidth, newHeight, filter, part).unpremultiplied()
    }
    return convolved(newWidth, newHeight, filter, part)
  }

  private func convolved(
    _ newWidth: Int, _ newHeight: Int, _ filter: ResampleFilter, _ part: PixelWindow
  ) -> PixelImage {
    let vertical = ResampleWeights(filter, from: height, to: newHeight, window: part.rows)
    if newHeight == height {
      return horizontally(newWidth, filter, part.columns, rows: part.rows)
    }
    let reach = vertical.reach
    let middle =
      newWidth == width
      ? cropped(PixelWindow(columns: part.columns, rows: reach))
      : horizontally(newWidth, filter, part.columns, rows: reach)
    return middle.vertically(vertical.shifted(by: reach.lowerBound))
  }

  /// Only the rows that the vertical pass reads.
  private func horizontally(
    _ newWidth: Int, _ filter: ResampleFilter, _ columns: Range<Int>, rows: Range<Int>
  ) -> PixelImage {
    let plan = ResampleWeights(filter, from: width, to: newWidth, window: columns)
    let weights = plan.fixedPoint
    let stride = columns.count * channels
    let out = [UInt8](unsafeUninitializedCapacity: stride * rows.count) { room, filled in
      pixels.withUnsafeBufferPointer { source in
        guard let from = source.baseAddress, let to = room.baseAddress else { return }
        for (i, y) in rows.enumerated() {
          aviary_resize_row(
            from + y * width * channels, to + i * stride, Int32(columns.count), Int32(channels), plan.starts,
            plan.lengths, weights, Int32(plan.taps))
        }
        filled = stride * rows.count
      }
    }
    return PixelImage(width: columns.count, height: rows.count, channels: channels, pixels: out)
  }

  private func vertically(_ plan: ResampleWeights) -> PixelImage {
    let stride = width * channels
    let rows = plan.starts.count
    let out = [UInt8](unsafeUninitializedCapacity: stride * rows) { room, filled in
      pixels.withUnsafeBufferPointer { source in
        plan.fixedPoint.withUnsafeBufferPointer { weights in
          guard let from = source.baseAddress, let to = room.baseAddress, let weight = weights.baseAddress else { return }
          for y in 0..<rows {
            aviary_resize_column(
              from + Int(plan.starts[y]) * stride, stride, stride, weight + y * plan.taps, plan.lengths[y],
              to + y * stride)
          }
          filled = stride * rows
        }
      }
    }
    return PixelImage(width: width, height: rows, channels: channels, pixels: out)
  }

  /// Positions are summed step by step, as Pillow does, since the sum's rounding decides on ties.
  private func nearest(_ newWidth: Int, _ newHeight: Int, _ part: PixelWindow) -> PixelImage {
    func sources(_ size: Int, _ newSize: Int, _ window: Range<Int>) -> [Int] {
      let step = Double(size) / Double(newSize)
      var position = step * 0.5
      var found: [Int] = []
      for pixel in 0..<window.upperBound {
        if pixel >= window.lowerBound { found.append(min(Int(position), size - 1)) }
        position += step
      }
      return found
    }
    let columns = sources(width, newWidth, part.columns)
    let rows = sources(height, newHeight, part.rows)
    var out: [UInt8] = []
    out.reserveCapacity(columns.count * rows.count * channels)
    for y in rows {
      for x in columns {
        let from = (y * width + x) * channels
        for c in 0..<channels { out.append(pixels[from + c]) }
      }
    }
    return PixelImage(width: columns.count, height: rows.count, channels: channels, pixels: out)
  }

  private func premultiplied() -> PixelImage {
    var out = self
    out.pixels.withUnsafeMutableBufferPointer { p in
      for i in stride(from: 0, to: p.count, by: 4) {
        for c in 0..<3 {
          let product = Int(p[i + c]) * Int(p[i + 3]) + 128
          p[i + c] = UInt8(truncatingIfNeeded: ((product >> 8) + product) >> 8)
        }
      }
    }
    return out
  }

  private func unpremultiplied() -> PixelImage {
    var out = self
    out.pixels.withUnsafeMutableBufferPointer { p in
      for i in stride(from: 0, to: p.count, by: 4) where p[i + 3] != 0 && p[i + 3] != 255 {
        for c in 0..<3 { p[i + c] = UInt8(min(255, 255 * Int(p[i + c]) / Int(p[i + 3]))) }
      }
    }
    return out
  }
}

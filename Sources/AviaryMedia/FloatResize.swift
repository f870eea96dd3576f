public import AviaryCore
public import AviaryTensor

extension PixelTensor {
  /// The planes resized in floating point with antialiasing, as torchvision's `Resize` does with a tensor.
  ///
  /// - Returns: [pictures, 3, height, width]
  /// - Throws: `.config` where the filter is `nearest` or the shape is not one of pictures, `.limit` for sizes beyond
  ///   those of a picture.
  public func resized(
    width newWidth: Int, height newHeight: Int, filter: ResampleFilter = .bilinear, limits: Limits = .standard
  ) throws(AviaryError) -> PixelTensor {
    guard shape.count == 4, filter != .nearest else {
      throw AviaryError(.config, "pixels of shape \(shape) are to be resized", wanted: "[pictures, channels, height, width]")
    }
    let (planes, height, width) = (shape[0] * shape[1], shape[2], shape[3])
    try limits.checkImage(width: width, height: height, at: "resize")
    try limits.checkImage(width: newWidth, height: newHeight, at: "resize")
    let rows = ResampleWeights(filter, from: height, to: newHeight, window: 0..<newHeight)
    let columns = ResampleWeights(filter, from: width, to: newWidth, window: 0..<newWidth)
    let (rowShares, columnShares) = (rows.shares.map { Float($0) }, columns.shares.map { Float($0) })
    var narrow = [Float](repeating: 0, count: height * newWidth)
    var out: [Float] = []
    out.reserveCapacity(planes * newHeight * newWidth)
    for plane in 0..<planes {
      for y in 0..<height {
        let row = (plane * height + y) * width
        for x in 0..<newWidth {
          var sum: Float = 0
          for i in 0..<Int(columns.lengths[x]) {
            sum += values[row + Int(columns.starts[x]) + i] * columnShares[x * columns.taps + i]
          }
          narrow[y * newWidth + x] = sum
        }
      }
      for y in 0..<newHeight {
        for x in 0..<newWidth {
          var sum: Float = 0
          for i in 0..<Int(rows.lengths[y]) {
            sum += narrow[(Int(rows.starts[y]) + i) * newWidth + x] * rowShares[y * rows.taps + i]
          }
          out.append(sum)
        }
      }
    }
    return PixelTensor(shape: [shape[0], shape[1], newHeight, newWidth], values: out)
  }

  /// `(value - mean) / std`, channel by channel, for pixels that are floats already.
  public func normalized(by constants: Normalization) throws(AviaryError) -> PixelTensor {
    guard shape.count == 4, shape[1] == 3 else {
      throw AviaryError(.config, "pixels of shape \(shape) are to be normalised", wanted: "[pictures, 3, height, width]")
    }
    let plane = shape[2] * shape[3]
    var out = self
    for i in 0..<shape[0] * 3 {
      let (mean, std) = (Float(constants.mean[i % 3]), Float(constants.std[i % 3]))
      for j in i * plane..<(i + 1) * plane { out.values[j] = (out.values[j] - mean) / std }
    }
    return out
  }
}

public import AviaryCore
public import AviaryTensor

extension PixelImage {
  /// The picture resized as OpenCV's `INTER_LINEAR` does it with 8-bit pixels: the two nearest pixels of each axis,
  /// no antialiasing, weights with 11 fraction bits, and the vertical sum cut to 18 bits before its last rounding.
  public func resizedPlainBilinear(
    width newWidth: Int, height newHeight: Int, limits: Limits = .standard
  ) throws(AviaryError) -> PixelImage {
    try limits.checkImage(width: width, height: height, at: "resize")
    try limits.checkImage(width: newWidth, height: newHeight, at: "resize")
    let columns = Self.neighbours(width, newWidth, divideEdges: false)
    let rows = Self.neighbours(height, newHeight, divideEdges: true)
    var out: [UInt8] = []
    out.reserveCapacity(newWidth * newHeight * channels)
    for row in rows {
      for column in columns {
        for c in 0..<channels {
          func across(_ y: Int) -> Int {
            let at = y * width
            return Int(pixels[(at + column.first) * channels + c]) * column.weight.0
              + Int(pixels[(at + column.second) * channels + c]) * column.weight.1
          }
          let upper = (row.weight.0 * (across(row.first) >> 4)) >> 16
          let lower = (row.weight.1 * (across(row.second) >> 4)) >> 16
          out.append(UInt8(clamping: (upper + lower + 2) >> 2))
        }
      }
    }
    return PixelImage(width: newWidth, height: newHeight, channels: channels, pixels: out)
  }

  private struct Neighbours {
    var first, second: Int
    var weight: (Int, Int)
  }

  /// Beyond the picture's edge both neighbours are the edge pixel. For columns its whole weight then lies on one of
  /// the two; for rows the weight stays divided, which shows in the rounding.
  private static func neighbours(_ size: Int, _ newSize: Int, divideEdges: Bool) -> [Neighbours] {
    let scale = Double(size) / Double(newSize)
    return (0..<newSize).map { pixel in
      let position = Float((Double(pixel) + 0.5) * scale - 0.5)
      let first = Int(position.rounded(.down))
      let isInside = first >= 0 && first < size - 1
      let part = isInside || divideEdges ? position - Float(first) : 0
      func fixed(_ x: Float) -> Int { Int((x * 2048).rounded(.toNearestOrEven)) }
      return Neighbours(
        first: min(max(first, 0), size - 1), second: min(max(first + 1, 0), size - 1),
        weight: (fixed(1 - part), fixed(part)))
    }
  }
}

public import AviaryCore
public import AviaryTensor

/// Learned positions of a square grid of patches, resized to another grid where pictures have another size: bicubic with
/// a = -0.75 and half-pixel centres, not antialiased, as PyTorch's `interpolate` does it.
public struct PositionTable: Sendable {
  let weight: Weight
  let width: Int
  /// Rows in front of the grid's (a class token), which stay as they are.
  let leading: Int
  let side: Int

  /// - Parameters:
  ///   - name: the tensor, [leading + side², width] or with an axis of 1 in front.
  ///   - side: of the stored grid; nil takes the file's, or `grid` where there is no file.
  ///   - grid: the side that pictures will have.
  /// - Throws: `.weights` where the stored rows are no square.
  public init(_ w: Weights, _ name: String, width: Int, side: Int? = nil, grid: Int, leading: Int = 0, batched: Bool = false) throws(AviaryError) {
    (self.width, self.leading) = (width, leading)
    if let side {
      self.side = side
    } else if let stored = try w.storedShape(name), stored.count == (batched ? 3 : 2) {
      let rows = stored[-2] - leading
      let root = Int(Double(max(rows, 0)).squareRoot().rounded())
      guard root > 0, root * root == rows else {
        throw AviaryError(.weights, "tensor \(quoted(name)) has the shape \(stored)", wanted: "\(leading) rows and those of a square grid")
      }
      self.side = root
    } else {
      self.side = grid
    }
    let rows = leading + self.side * self.side
    weight = try w.weight(name, batched ? [1, rows, width] : [rows, width])
  }

  /// [leading + grid², width]
  public func callAsFunction(_ graph: Graph, grid: Int) -> Tensor {
    let table = graph.use(weight).reshaped(leading + side * side, width)
    if grid == side { return table }
    let map = table.slice(0, leading..<leading + side * side).reshaped(1, side, side, width).permuted(0, 3, 1, 2)
    let rows = map.resize2d(Resize2D(.bicubic), height: grid, width: grid).permuted(0, 2, 3, 1).reshaped(grid * grid, width)
    return leading == 0 ? rows : Tensor.concat([table.slice(0, 0..<leading).cast(.f32), rows], axis: 0)
  }
}

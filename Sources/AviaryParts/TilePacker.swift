public import AviaryCore
public import AviaryTensor

/// Packs the tiles of one picture into one sequence, as LLaVA-NeXT does (Liu et al. 2024): the overview tile's rows,
/// then the joined map of the other tiles without its padding, a learned newline (where there is one) behind each row.
public struct TilePacker<Inner: Adapter>: Adapter {
  let inner: Inner
  let newline: Weight?

  public init(_ inner: Inner, newline: Weight?) {
    self.inner = inner
    self.newline = newline
  }

  /// [tiles, side², dv] -> [k, dm]; a picture that was not cut keeps the inner adapter's shape.
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    let rows = inner(features, layout)
    guard let t = layout.tiling else { return rows }
    let width = rows.size(2)
    let overview = rows.slice(0, 0..<1).reshaped(-1, width)
    let map = rows.slice(0, 1..<rows.size(0))
      .reshaped(t.rows, t.columns, t.side, t.side, width)
      .permuted(0, 2, 1, 3, 4)  // [rows, side, columns, side, width]
      .reshaped(t.rows * t.side, t.columns * t.side, width)
      .slice(0, t.keptRows).slice(1, t.keptColumns)
    guard let newline else { return Tensor.concat([overview, map.reshaped(-1, width)], axis: 0) }
    let ends = rows.graph.use(newline).expanded(to: [map.size(0), 1, width])
    return Tensor.concat([overview, Tensor.concat([map, ends], axis: 1).reshaped(-1, width)], axis: 0)
  }
}

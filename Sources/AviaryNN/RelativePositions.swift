public import AviaryCore
public import AviaryTensor

/// Decomposed relative positions (Li et al. 2022, MViTv2; Kirillov et al. 2023): the score of the query at (y, x) for
/// the key at (y', x') gets q . rows[y - y'] + q . columns[x - x'], with q as it is before scaling.
///
/// The sum is written as a longer inner product: a query gets its products with every row and column behind its own
/// numbers, a key gets ones where it stands. So no table of [heads, cells, cells] is ever in memory, which at 64 x 64
/// cells and 12 heads would be 0.8 GB.
public struct RelativePositions: Sendable {
  let rows: Weight
  let columns: Weight
  let map: SquareMap

  /// Takes `rel_pos_h` and `rel_pos_w`, [2 side - 1, head]; tables of another length are resized linearly, as the
  /// original does.
  public init(_ w: Weights, _ map: SquareMap, head: Int) throws(AviaryError) {
    self.map = map
    func table(_ name: String) throws(AviaryError) -> Weight {
      let stored = try w.storedShape(name).map { $0.count == 2 && $0[0] > 0 ? $0[0] : 2 * map.side - 1 }
      return try w.weight(name, [stored ?? 2 * map.side - 1, head])
    }
    rows = try table("rel_pos_h")
    columns = try table("rel_pos_w")
  }

  /// Queries and keys [n, side², heads, d], row by row -> the same with 2 side more numbers, the queries scaled.
  func callAsFunction(_ q: Tensor, _ k: Tensor, scale: Float) -> (queries: Tensor, keys: Tensor) {
    let (n, cells, heads, d) = (q.size(0), q.size(1), q.size(2), q.size(3))
    let side = map.side
    let cell = q.reshaped(n, side, side, heads, d)
    let byRow = cell.permuted(1, 0, 2, 3, 4).reshaped(side, n * side * heads, d)
      .matmul(distances(rows, q.graph))  // [y, n x heads, y']
      .reshaped(side, n, side, heads, side).permuted(1, 0, 2, 3, 4)  // [n, y, x, heads, y']
    let byColumn = cell.permuted(2, 0, 1, 3, 4).reshaped(side, n * side * heads, d)
      .matmul(distances(columns, q.graph))  // [x, n y heads, x']
      .reshaped(side, n, side, heads, side).permuted(1, 2, 0, 3, 4)  // [n, y, x, heads, x']
    let queries = [q * scale, byRow.reshaped(n, cells, heads, side), byColumn.reshaped(n, cells, heads, side)]
    let places = q.graph.use(map.places).reshaped(1, cells, 1, 2 * side).expanded(to: [n, cells, heads, 2 * side])
    return (Tensor.concat(queries, axis: 3), Tensor.concat([k, places], axis: 3))
  }

  /// The table's row for each pair of places along one side: [side, side, d].
  private func distances(_ table: Weight, _ graph: Graph) -> Tensor {
    var rows = graph.use(table)
    let (stored, d, wanted) = (rows.size(0), rows.size(1), 2 * map.side - 1)
    if stored != wanted {
      rows = rows.cast(.f32).transposed().reshaped(1, d, stored, 1).resize2d(Resize2D(.bilinear), height: wanted, width: 1)
        .reshaped(d, wanted).transposed()
    }
    return rows.gatherRows(graph.use(map.distances).cast(.i32))
  }
}

/// The cells of a square map, for `RelativePositions` of that side; all layers of a side share one.
public struct SquareMap: Sendable {
  /// Larger maps would need gigabytes for their tables.
  public static let largestSide = 256
  public let side: Int
  /// y - y' + side - 1 for each pair of places: [side, side].
  let distances: Weight
  /// Row and column of each cell as ones among zeros: [side², 2 side].
  let places: Weight

  /// - Precondition: `side` is from 1 to `largestSide`.
  public init(_ w: Weights, side: Int) throws(AviaryError) {
    precondition((1...Self.largestSide).contains(side), "a map of \(side) x \(side)")
    self.side = side
    distances = try w.constant("distances", (0..<side * side).map { Float($0 / side - $0 % side + side - 1) }, [side, side])
    var ones = [Float](repeating: 0, count: side * side * 2 * side)
    for cell in 0..<side * side {
      ones[cell * 2 * side + cell / side] = 1
      ones[cell * 2 * side + side + cell % side] = 1
    }
    places = try w.constant("places", ones, [side * side, 2 * side])
  }
}

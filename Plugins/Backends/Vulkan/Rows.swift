import AviaryTensor

/// Rows by id, lines along an axis, and rows of numbers.
extension Recorder {
  // MARK: Rows by id

  mutating func gatherRows(_ table: View, _ ids: View, _ out: View) throws(AviaryError) {
    let row = Shape(Array(table.shape.dims.dropFirst()))
    var target = out
    target.shape = Shape([ids.shape.elements] + row.dims)
    target.strides = View.rowMajor(target.shape)
    let walk = Walk(row.dims, [Array(table.steps.dropFirst()), Array(target.steps.dropFirst())])
    // A table larger than a binding is looked through in windows; each finds its own rows.
    let rows = table.shape[0]
    let rowBytes = table.dtype.byteOffset(of: max(table.strides[0], table.dtype.blockElements))
    let last = table.dtype.byteOffset(of: walk.reach(0) + table.dtype.blockElements - 1)
    let window = max(1, min(rows, (device.largestBinding - device.offsetAlignment - last) / rowBytes))
    for first in stride(from: 0, to: max(rows, 1), by: window) {
      let count = min(window, rows - first)
      let source = rows == 0 ? table : table.part(0, first, count)
      try rowsByID(source, ids, target, walk, scatter: false, limit: rows, window: first..<first + count)
    }
  }

  /// Writes into `out`, which is the target itself.
  mutating func scatterRows(_ rows: View, _ ids: View, _ out: View) throws(AviaryError) {
    let walk = Walk(Array(rows.shape.dims.dropFirst()), [Array(rows.steps.dropFirst()), Array(out.steps.dropFirst())])
    try rowsByID(rows, ids, out, walk, scatter: true, limit: out.shape[0], window: 0..<out.shape[0])
  }

  /// Adds to `out`, which is the target itself.
  mutating func addRows(_ rows: View, _ ids: View, _ out: View) throws(AviaryError) {
    let row = Walk(Array(rows.shape.dims.dropFirst()), [Array(rows.steps.dropFirst()), Array(out.steps.dropFirst())])
    let parameters = try rowParameters(rows, ids, out, row, items: rows.shape[0], limit: out.shape[0], window: 0..<out.shape[0])
    let (from, at, to): (Bound, Bound, Bound) = (try bound(rows), try bound(ids), try bound(out))
    dispatch("addrows", [], items: row.count, size: 8, perItem: 20 * Double(rows.shape[0]), [from, at], to, parameters)
  }

  private mutating func rowsByID(
    _ source: View, _ ids: View, _ target: View, _ row: Walk, scatter: Bool, limit: Int, window: Range<Int>
  ) throws(AviaryError) {
    let items = ids.shape.elements * row.count
    let from = try weight(source)
    let parameters = try rowParameters(source, ids, target, row, items: items, limit: limit, window: window) + from.words
    let (at, to): (Bound, Bound) = (try bound(ids), try bound(target))
    dispatch(
      "rows", [scatter ? 1 : 0, UInt32(source.dtype.rawValue), UInt32(target.dtype.rawValue)], items: items, perItem: 20,
      [from.bound, at, nil, nil, from.sides], to, parameters)
  }

  private func rowParameters(
    _ source: View, _ ids: View, _ target: View, _ row: Walk, items: Int, limit: Int, window: Range<Int>
  ) throws(AviaryError) -> [UInt32] {
    let names = Walk(ids.shape.dims, [ids.steps])
    let (at, to): (Bound, Bound) = (try bound(ids), try bound(target))
    let from = try weight(source)
    let head: [UInt32] = [items, row.count, limit, Int(number), window.lowerBound, window.upperBound].map { UInt32($0) }
    let places: [UInt32] = [at.first, from.first, to.first, UInt32(source.strides[0]), UInt32(target.strides[0])]
    let axes: [UInt32] = [UInt32(names.sizes.count), UInt32(row.sizes.count), 0, 0, 0]
    return words(head, places, axes, names.sizes.words, names.strides[0].words, row.sizes.words, row.strides[0].words, row.strides[1].words)
  }

  // MARK: Lines along an axis

  mutating func reduce(_ kind: ReduceKind, _ a: View, _ out: View, _ axis: Int) throws(AviaryError) {
    try lines(UInt32(kind.rawValue), a, out, axis)
  }

  mutating func cumsum(_ a: View, _ out: View, _ axis: Int) throws(AviaryError) { try lines(4, a, out, axis) }

  private mutating func lines(_ kind: UInt32, _ a: View, _ out: View, _ axis: Int) throws(AviaryError) {
    let dims = a.shape.dims
    let inner = dims[(axis + 1)...].reduce(1, *)
    let count = dims[..<axis].reduce(1, *) * inner
    let (from, to): (Bound, Bound) = (try bound(a), try bound(out))
    dispatch(
      "reduce", [kind, a.dtype == .f32 ? 0 : 1], items: count, size: 8, perItem: 10 * Double(dims[axis]), [from], to,
      [UInt32(count), UInt32(dims[axis]), UInt32(max(inner, 1)), from.first, to.first])
  }

  mutating func topK(_ a: View, _ out: View, indices: Bool) throws(AviaryError) {
    let (k, count) = (out.shape[-1], a.shape[-1])
    let rows = Walk(Array(a.shape.dims.dropLast()), [Array(a.steps.dropLast())])
    let (from, to): (Bound, Bound) = (try bound(a), try bound(out))
    let head: [UInt32] = [UInt32(rows.count), UInt32(count), UInt32(k), to.first, from.first, UInt32(rows.sizes.count)]
    dispatch(
      "topk", [indices ? 1 : 0], items: rows.count, size: 8, perItem: 10 * Double(k * count), [from], to,
      words(head, [UInt32](repeating: 0, count: 10), rows.sizes.words, rows.strides[0].words))
  }

  // MARK: Norms

  /// Kinds of norm.comp.
  private enum Norm: UInt32 { case layer, rms, softmax, group }

  mutating func layerNorm(_ x: View, _ weight: View, _ bias: View, _ out: View, _ epsilon: Float) throws(AviaryError) {
    try rows(.layer, x, weight, bias, out, epsilon)
  }

  mutating func rmsNorm(_ x: View, _ weight: View, _ out: View, _ epsilon: Float) throws(AviaryError) { try rows(.rms, x, weight, nil, out, epsilon) }

  mutating func softmax(_ x: View, _ out: View) throws(AviaryError) { try rows(.softmax, x, nil, nil, out, 0) }

  private mutating func rows(_ kind: Norm, _ x: View, _ weight: View?, _ bias: View?, _ out: View, _ epsilon: Float) throws(AviaryError) {
    // Rows are independent, so that large operands go in pieces along the first axis.
    if x.shape.count > 1, let axis = largeAxis([x, out]), axis < x.shape.count - 1 {
      let half = out.shape[axis] / 2
      for (start, length) in [(0, half), (half, out.shape[axis] - half)] {
        try rows(kind, x.part(axis, start, length), weight, bias, out.part(axis, start, length), epsilon)
      }
      return
    }
    try norm(kind, Walk(Array(x.shape.dims.dropLast()), [Array(x.steps.dropLast())]), x.shape[-1], x, weight, bias, out, epsilon, 1, 1)
  }

  mutating func groupNorm(_ x: View, _ weight: View, _ bias: View, _ out: View, _ groups: Int, _ epsilon: Float) throws(AviaryError) {
    let channels = x.shape[1]
    let plane = x.shape.dims.dropFirst(2).reduce(1, *)
    let count = channels / groups * plane
    try norm(.group, Walk([x.shape[0] * groups], [[count]]), count, x, weight, bias, out, epsilon, plane, channels)
  }

  private mutating func norm(
    _ kind: Norm, _ rows: Walk, _ count: Int, _ x: View, _ weight: View?, _ bias: View?, _ out: View, _ epsilon: Float, _ plane: Int, _ channels: Int
  ) throws(AviaryError) {
    let (from, to): (Bound, Bound) = (try bound(x), try bound(out))
    let (w, b): (Bound?, Bound?) = (try bound(weight), try bound(bias))
    let head: [UInt32] = [UInt32(rows.count), UInt32(count), to.first, from.first, w?.first ?? 0, b?.first ?? 0, epsilon.bitPattern]
    let tail: [UInt32] = [UInt32(plane), UInt32(channels), UInt32(rows.sizes.count), 0, 0, 0, 0, 0, 0]
    let parameters = words(head, tail, rows.sizes.words, rows.strides[0].words)
    let work = 10 * Double(rows.count * count)
    if isProcessor {
      dispatch("norm", [kind.rawValue, 1], items: rows.count, size: 8, perItem: 10 * Double(count), [from, w, b], to, parameters)
    } else {
      dispatch("norm", size: 64, [kind.rawValue, 64], groups: rows.count, work: work, [from, w, b], to, parameters)
    }
  }
}

extension Walk {
  /// Elements from the first to the last of one operand.
  func reach(_ operand: Int) -> Int { zip(sizes, strides[operand]).reduce(1) { $0 + ($1.0 - 1) * $1.1 } }
}

import AviaryTensor
import CAviaryKernels

/// Operations that move elements.
extension Run {
  func iota(_ start: Int32, _ out: Operand) {
    for i in 0..<out.shape.elements { out.ints[i] = start &+ Int32(truncatingIfNeeded: i) }
  }

  func copy(_ a: Operand, to out: Operand) { copy(a, to: out, at: 0) }

  /// Copies all of `a` into a window of `out` of the same shape, `offset` elements in.
  private func copy(_ a: Operand, to out: Operand, at offset: Int) {
    if a.dtype.isQuantised { return copyBlocks(a, to: out) }
    var map = av_map(rank: Int32(a.rank), shape: a.shape.eight, a: a.view.strides.eight, b: out.view.strides.eight, c: a.view.strides.eight)
    let size = a.dtype.blockBytes
    av_copy(pool, &map, Int64(size), a.address, out.address + offset * size)
  }

  /// Rows of whole blocks, one after another.
  private func copyBlocks(_ a: Operand, to out: Operand) {
    let bytes = a.dtype.byteOffset(of: a.size(-1))
    for row in 0..<a.shape.elements / max(a.size(-1), 1) {
      (out.address + row * bytes).copyMemory(from: a.address + a.dtype.byteOffset(of: rowOffset(a, row)), byteCount: bytes)
    }
  }

  private func dequantise(_ a: Operand, _ out: Operand) {
    let cols = a.size(-1)
    for row in 0..<a.shape.elements / max(cols, 1) {
      av_dequantize(a.type, a.address + a.dtype.byteOffset(of: rowOffset(a, row)), Int64(cols), out.floats + row * cols)
    }
  }

  func cast(_ a: Operand, _ out: Operand) {
    if a.dtype.isQuantised { return dequantise(a, out) }
    let blocks = RowBlocks(a.view, inner: 0)
    if a.view.isContiguous {
      av_cast(pool, a.type, a.address, out.type, out.address, Int64(a.shape.elements))
    } else if blocks.outer == 0, blocks.rowStride == 1 {
      av_cast(pool, a.type, a.address, out.type, out.address, Int64(blocks.rows))
    } else {
      castRows(a, out)
    }
  }

  /// Element by element where the last axis has gaps, else row by row.
  private func castRows(_ a: Operand, _ out: Operand) {
    let isUnit = a.view.hasUnitRows && a.rank > 0
    let cols = isUnit ? a.size(-1) : 1
    let count = cols == 0 ? 0 : a.shape.elements / cols
    for index in 0..<count {
      let offset = isUnit ? rowOffset(a, index) : elementOffset(a, index)
      av_cast(pool, a.type, a.address + offset * a.dtype.blockBytes, out.type, out.address + index * cols * out.dtype.blockBytes, Int64(cols))
    }
  }

  private func elementOffset(_ x: Operand, _ index: Int) -> Int {
    var rest = index
    var offset = 0
    for axis in stride(from: x.rank - 1, through: 0, by: -1) {
      offset += rest % x.size(axis) * x.stride(axis)
      rest /= x.size(axis)
    }
    return offset
  }

  func concat(_ step: PlanStep, _ out: Operand, _ axis: Int) {
    var start = 0
    for k in 0..<step.operands.count {
      let part = x(step, k)
      copy(part, to: out, at: start * out.stride(axis))
      start += part.size(axis)
    }
  }

  func pad(_ a: Operand, _ out: Operand, _ axis: Int, _ before: Int, _ value: Float) {
    fill(out, value)
    copy(a, to: out, at: before * out.stride(axis))
  }

  private func fill(_ out: Operand, _ value: Float) {
    var number = value
    // The number in the type of the output: at most eight bytes.
    var element: UInt64 = 0
    withUnsafeMutableBytes(of: &element) { bytes in
      av_cast(pool, AV_F32, &number, out.type, bytes.baseAddress, 1)
    }
    av_fill(pool, Int64(out.dtype.blockBytes), &element, out.address, Int64(out.shape.elements))
  }

  func gatherRows(_ table: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let cols = table.shape.elements / max(table.size(0), 1)
    let count = ids.shape.elements
    guard table.rank <= 2 || table.view.isContiguous, ids.view.isContiguous else { return try gatherRowsSlowly(table, ids, out) }
    let row = table.rank == 1 ? table.stride(0) : table.rank == 2 ? table.stride(0) : cols
    let isInside = av_gather_rows(pool, table.type, table.address, Int64(table.size(0)), Int64(row), ids.ints, Int64(count), Int64(cols), out.address, Int64(cols))
    if !isInside { throw badID(ids, table.size(0)) }
  }

  private func gatherRowsSlowly(_ table: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let cols = table.shape.elements / max(table.size(0), 1)
    for index in 0..<ids.shape.elements {
      let id = Int(ids.ints[elementOffset(ids, index)])
      guard id >= 0, id < table.size(0) else { throw badID(ids, table.size(0)) }
      var view = table.view
      view.shape[0] = 1
      let row = Operand(address: table.address + table.dtype.byteOffset(of: id * table.stride(0)), view: view)
      let target = View(contiguous: view.shape, out.dtype, at: out.view.place)
      cast(row, Operand(address: out.address + index * cols * out.dtype.blockBytes, view: target))
    }
  }

  /// Writes into `out`, which is the target itself.
  func scatterRows(_ rows: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let count = rows.size(0)
    let cols = rows.shape.elements / max(count, 1)
    let isPlain = rowIsDense(rows) && rowIsDense(out) && ids.view.isContiguous
    guard isPlain else {
      if out.dtype.isQuantised { return try scatterBlocks(rows, ids, out) }
      return try eachElement(rows, ids, out) { from, to in
        av_cast(pool, rows.type, rows.address + from * rows.dtype.blockBytes, out.type, out.address + to * out.dtype.blockBytes, 1)
      }
    }
    let isInside = av_scatter_rows(
      pool, rows.type, rows.address, Int64(rows.stride(0)), ids.ints, Int64(count), Int64(cols), out.type, out.address, Int64(out.size(0)), Int64(out.stride(0)))
    if !isInside { throw badID(ids, out.size(0)) }
  }

  /// Rows of f32 in any strides, gathered line by line before they become blocks.
  private func scatterBlocks(_ rows: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let width = out.size(-1)
    var line: [Float] = []
    try eachElement(rows, ids, out) { from, to in
      line.append(rows.floats[from])
      guard line.count == width else { return }
      av_cast(pool, AV_F32, line, out.type, out.address + out.dtype.byteOffset(of: to + 1 - width), Int64(width))
      line.removeAll(keepingCapacity: true)
    }
  }

  /// Adds to `out`, which is the target itself.
  func scatterAddRows(_ rows: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let count = rows.size(0)
    let cols = rows.shape.elements / max(count, 1)
    guard rowIsDense(rows), rowIsDense(out), ids.view.isContiguous else {
      return try eachElement(rows, ids, out) { out.floats[$1] += rows.floats[$0] }
    }
    let isInside = av_scatter_add_rows(
      pool, rows.floats, Int64(rows.stride(0)), ids.ints, Int64(count), Int64(cols), out.floats, Int64(out.size(0)), Int64(out.stride(0)))
    if !isInside { throw badID(ids, out.size(0)) }
  }

  /// Whether all axes but the first lie close together.
  private func rowIsDense(_ x: Operand) -> Bool {
    var step = 1
    for axis in stride(from: x.rank - 1, to: 0, by: -1) where x.size(axis) != 1 {
      if x.stride(axis) != step { return false }
      step *= x.size(axis)
    }
    return true
  }

  /// Offsets of each element of the rows and of its place in the target.
  private func eachElement(_ rows: Operand, _ ids: Operand, _ out: Operand, _ body: (_ from: Int, _ to: Int) -> Void) throws(AviaryError) {
    let cols = rows.shape.elements / max(rows.size(0), 1)
    for index in 0..<rows.size(0) {
      let id = Int(ids.ints[elementOffset(ids, index)])
      guard id >= 0, id < out.size(0) else { throw badID(ids, out.size(0)) }
      for j in 0..<cols {
        body(elementOffset(rows, index * cols + j), elementOffset(out, id * cols + j))
      }
    }
  }

  private func badID(_ ids: Operand, _ count: Int) -> AviaryError {
    for index in 0..<ids.shape.elements {
      let id = ids.ints[elementOffset(ids, index)]
      if id < 0 || Int(id) >= count { return AviaryError(.request, "row id \(id)", wanted: "0..<\(count)") }
    }
    return AviaryError(.request, "a row id", wanted: "0..<\(count)")
  }
}

import AviaryTensor
import CAviaryKernels

/// Norms, softmax, reductions and selection along rows.
extension Run {
  /// Calls `body` for each block of evenly spaced rows.
  private func rows(_ x: Operand, _ out: Operand, _ body: (inout av_rows) -> Void) {
    let blocks = RowBlocks(x.view)
    let cols = x.size(-1)
    for block in 0..<blocks.count {
      var rows = av_rows(
        rows: Int64(blocks.rows), cols: Int64(cols), x: x.floats + blocks.offset(block), x_row: Int64(blocks.rowStride),
        y: out.floats + block * blocks.rows * cols, y_row: Int64(cols))
      body(&rows)
    }
  }

  func layerNorm(_ x: Operand, _ weight: Operand, _ bias: Operand, _ out: Operand, _ epsilon: Float) {
    rows(x, out) { av_layer_norm(pool, &$0, weight.vector, bias.vector, epsilon) }
  }

  func rmsNorm(_ x: Operand, _ weight: Operand, _ out: Operand, _ epsilon: Float) {
    rows(x, out) { av_rms_norm(pool, &$0, weight.vector, epsilon) }
  }

  func softmax(_ x: Operand, _ out: Operand) { rows(x, out) { av_softmax(pool, &$0) } }

  func groupNorm(_ x: Operand, _ weight: Operand, _ bias: Operand, _ out: Operand, _ groups: Int, _ epsilon: Float) {
    let inner = x.shape.elements / max(x.size(0) * x.size(1), 1)
    av_group_norm(pool, x.floats, out.floats, Int64(x.size(0)), Int64(x.size(1)), Int64(inner), Int64(groups), weight.vector, bias.vector, epsilon)
  }

  func reduce(_ kind: ReduceKind, _ x: Operand, _ out: Operand, _ axis: Int) {
    let (outer, count, inner) = split(x.shape, axis)
    if x.dtype == .i32 { return reduceInts(kind, x, out, outer, count, inner) }
    switch kind {
    case .argmax: av_argmax(pool, x.floats, out.ints, outer, count, inner)
    case .sum: av_reduce(pool, AV_REDUCE_SUM, x.floats, out.floats, outer, count, inner)
    case .mean: av_reduce(pool, AV_REDUCE_MEAN, x.floats, out.floats, outer, count, inner)
    case .max: av_reduce(pool, AV_REDUCE_MAX, x.floats, out.floats, outer, count, inner)
    }
  }

  private func reduceInts(_ kind: ReduceKind, _ x: Operand, _ out: Operand, _ outer: Int64, _ count: Int64, _ inner: Int64) {
    for o in 0..<Int(outer) {
      for i in 0..<Int(inner) {
        func at(_ j: Int) -> Int32 { x.ints[(o * Int(count) + j) * Int(inner) + i] }
        var sum = 0
        var best = 0
        for j in 0..<Int(count) {
          sum += Int(at(j))
          if at(j) > at(best) { best = j }
        }
        let result: Int =
          switch kind {
          case .sum: sum
          case .mean: count > 0 ? sum / Int(count) : 0
          case .max: count > 0 ? Int(at(best)) : Int(Int32.min)
          case .argmax: best
          }
        out.ints[o * Int(inner) + i] = Int32(truncatingIfNeeded: result)
      }
    }
  }

  func cumsum(_ x: Operand, _ out: Operand, _ axis: Int) {
    let (outer, count, inner) = split(x.shape, axis)
    guard x.dtype == .i32 else { return av_cumsum(pool, x.floats, out.floats, outer, count, inner) }
    for o in 0..<Int(outer) {
      for i in 0..<Int(inner) {
        var sum: Int32 = 0
        for j in 0..<Int(count) {
          let at = (o * Int(count) + j) * Int(inner) + i
          sum &+= x.ints[at]
          out.ints[at] = sum
        }
      }
    }
  }

  /// Sizes before, of and behind an axis.
  private func split(_ shape: Shape, _ axis: Int) -> (outer: Int64, count: Int64, inner: Int64) {
    var (outer, inner) = (1, 1)
    for a in 0..<axis { outer *= shape[a] }
    for a in axis + 1..<shape.count { inner *= shape[a] }
    return (Int64(outer), Int64(shape[axis]), Int64(inner))
  }

  func topK(_ x: Operand, _ out: Operand, indices: Bool) {
    let blocks = RowBlocks(x.view)
    let k = out.size(-1)
    for block in 0..<blocks.count {
      let start = block * blocks.rows * k
      av_top_k(
        pool, x.floats + blocks.offset(block), Int64(blocks.rowStride), Int64(blocks.rows), Int64(x.size(-1)), Int64(k),
        indices ? nil : out.floats + start, indices ? out.ints + start : nil)
    }
  }
}

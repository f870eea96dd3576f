import AviaryTensor
import CAviaryKernels

/// Elementwise operations over any strides.
extension Run {
  private func map(_ a: Operand, _ b: Operand? = nil, _ c: Operand? = nil) -> av_map {
    av_map(
      rank: Int32(a.rank), shape: a.shape.eight, a: a.view.strides.eight, b: (b ?? a).view.strides.eight, c: (c ?? a).view.strides.eight)
  }

  func unary(_ kind: UnaryKind, _ a: Operand, _ out: Operand) {
    var map = map(a)
    av_unary(pool, av_unary_kind(rawValue: UInt32(kind.rawValue)), &map, a.floats, out.floats)
  }

  func binary(_ kind: BinaryKind, _ a: Operand, _ b: Operand, _ out: Operand) {
    var map = map(a, b)
    let kind = av_binary_kind(rawValue: UInt32(kind.rawValue))
    if a.dtype == .i32 {
      av_binary_i32(pool, kind, &map, a.ints, b.ints, out.address)
    } else {
      av_binary(pool, kind, &map, a.floats, b.floats, out.address)
    }
  }

  func select(_ condition: Operand, _ a: Operand, _ b: Operand, _ out: Operand) {
    var map = map(condition, a, b)
    av_select(pool, &map, Int64(a.dtype.blockBytes), condition.address.assumingMemoryBound(to: UInt8.self), a.address, b.address, out.address)
  }

  func clamp(_ a: Operand, _ out: Operand, _ low: Float, _ high: Float) {
    guard a.dtype != .i32 else {
      let (least, most) = (Int32(saturating: low.rounded(.up)), Int32(saturating: high.rounded(.down)))
      copy(a, to: out)
      for i in 0..<out.shape.elements { out.ints[i] = min(max(out.ints[i], least), most) }
      return
    }
    var map = map(a)
    av_clamp(pool, &map, a.floats, low, high, out.floats)
  }

  func swiglu(_ gate: Operand, _ up: Operand, _ out: Operand) {
    let (a, b) = (RowBlocks(gate.view), RowBlocks(up.view))
    let cols = gate.rank > 0 ? gate.size(-1) : 1
    guard a.outer == b.outer, a.rows == b.rows else {
      // Rows that are spaced unevenly: one at a time.
      let rows = gate.shape.elements / max(cols, 1)
      for row in 0..<rows {
        av_gated(pool, AV_ACT_SILU, 1, Int64(cols), gate.floats + rowOffset(gate, row), 0, up.floats + rowOffset(up, row), 0, out.floats + row * cols, 0)
      }
      return
    }
    for block in 0..<a.count {
      av_gated(
        pool, AV_ACT_SILU, Int64(a.rows), Int64(cols), gate.floats + a.offset(block), Int64(a.rowStride), up.floats + b.offset(block),
        Int64(b.rowStride), out.floats + block * a.rows * cols, Int64(cols))
    }
  }

  /// Offset of the n-th row of the last axis.
  func rowOffset(_ x: Operand, _ row: Int) -> Int {
    var rest = row
    var offset = 0
    for axis in stride(from: x.rank - 2, through: 0, by: -1) {
      offset += rest % x.size(axis) * x.stride(axis)
      rest /= x.size(axis)
    }
    return offset
  }
}

extension Int32 {
  /// The nearest value there is; NaN gives 0.
  init(saturating x: Float) {
    if x.isNaN { self = 0 } else { self = x >= 2_147_483_648 ? .max : x < -2_147_483_648 ? .min : Int32(x) }
  }
}

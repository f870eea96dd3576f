/// What is wrong with an operation's operands, with their shapes.
package struct ShapeMismatch: Error { package let text: String }

extension Op {
  /// The result's shape and dtype where they follow from the operands. Operations whose shape is given (`reshape`,
  /// `slice`, `expand`, `cast`, `resize2d`, `topK`, leaves) are checked where they are recorded.
  package func infer(_ x: [(shape: Shape, dtype: DType)]) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> {
    func ok(_ shape: Shape, _ dtype: DType) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> { .success((shape, dtype)) }
    func no(_ text: String) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> { .failure(ShapeMismatch(text: text)) }
    let a = x.first?.shape ?? []
    let dtype = x.first?.dtype ?? .f32
    if !readsBlocks, let other = x.first(where: \.dtype.isQuantised) { return no("\(other.dtype)\(other.shape), which it does not read") }

    switch self {
    case .permute(let axes):
      guard axes.isPermutation(of: a.count) else { return no("\(a) has no such order of axes") }
      var permuted = a
      for axis in 0..<a.count { permuted[axis] = a[axes[axis]] }
      return ok(permuted, dtype)

    case .contiguous, .clamp: return ok(a, dtype)
    case .softmax: return a.count >= 1 && dtype == .f32 ? ok(a, dtype) : no("wants f32 rows, got \(dtype)\(a)")
    case .cumsum(let axis): return axis >= 0 && Int(axis) < a.count ? ok(a, dtype) : no("axis \(axis) of \(a)")
    case .unary: return dtype == .f32 ? ok(a, dtype) : no("wants f32, got \(dtype)")

    case .binary(let kind):
      guard a == x[1].shape, dtype == x[1].dtype, dtype != .f16, dtype != .bf16, !dtype.isQuantised else { return no("\(dtype)\(a) against \(x[1].dtype)\(x[1].shape)") }
      switch kind {
      case .equal, .less, .lessOrEqual: return ok(a, .bool)
      default: return ok(a, dtype)
      }

    case .select:
      guard dtype == .bool, a == x[1].shape, a == x[2].shape, x[1].dtype == x[2].dtype else {
        return no("condition \(dtype)\(a), \(x[1].shape) and \(x[2].shape)")
      }
      return ok(a, x[1].dtype)

    case .concat(let axis):
      var total = 0
      for part in x {
        var other = part.shape
        guard other.count == a.count, axis >= 0, Int(axis) < a.count, part.dtype == dtype else { return no("\(a) with \(part.shape)") }
        total += other[Int(axis)]
        other[Int(axis)] = a[Int(axis)]
        guard other == a else { return no("\(a) with \(part.shape) along axis \(axis)") }
      }
      var joined = a
      joined[Int(axis)] = total
      return ok(joined, dtype)

    case .pad(let axis, let before, let after, _):
      guard axis >= 0, Int(axis) < a.count, before >= 0, after >= 0 else { return no("\(before) and \(after) around axis \(axis) of \(a)") }
      var padded = a
      padded[Int(axis)] += Int(before) + Int(after)
      return ok(padded, dtype)

    case .gatherRows:
      guard a.count >= 1, x[1].dtype == .i32 else { return no("table \(a), ids \(x[1].dtype)\(x[1].shape)") }
      guard x[1].shape.count + a.count - 1 <= Shape.maxRank else { return no("\(a) at ids \(x[1].shape) has too many axes") }
      return ok(Shape(x[1].shape.dims + a.dims.dropFirst()), dtype.isWeight ? .f32 : dtype)

    case .scatterRows, .scatterAddRows:
      let rows = x[1].shape
      guard a.count >= 1, rows.count == a.count, rows.dropFirst() == a.dropFirst(), x[2].shape == [rows[0]], x[2].dtype == .i32
      else { return no("rows \(rows) at ids \(x[2].shape) into \(a)") }
      if x[1].dtype.isQuantised || (dtype.isQuantised && (!dtype.isKept || x[1].dtype != .f32)) { return no("\(x[1].dtype) rows into \(dtype)") }
      if dtype.isQuantised, a.count < 2 || !dtype.holdsRows(of: a[-1]) { return no("rows into \(dtype)\(a), which cuts blocks") }
      if self == .scatterAddRows, dtype != .f32 || x[1].dtype != .f32 { return no("adds f32 rows to f32, got \(x[1].dtype) and \(dtype)") }
      return ok(a, dtype)

    case .reduce(let kind, let axis):
      guard axis >= 0, Int(axis) < a.count else { return no("axis \(axis) of \(a)") }
      var reduced = a
      reduced[Int(axis)] = 1
      return ok(reduced, kind == .argmax ? .i32 : dtype)

    case .matmul(let transposed):
      let b = x[1].shape
      guard a.count >= 1, b.count >= 2, dtype == .f32, x[1].dtype.isWeight else { return no("\(dtype)\(a) x \(x[1].dtype)\(b)") }
      let (n, k) = transposed ? (b[-2], b[-1]) : (b[-1], b[-2])
      guard a[-1] == k else { return no("\(a) x \(b)\(transposed ? "ᵀ" : "")") }
      guard !x[1].dtype.isQuantised || (transposed && b.count == 2) else { return no("\(a) x \(x[1].dtype)\(b), whose blocks do not lie along its rows") }
      if b.count > 2 { guard b.count == a.count, b.dropLast(2) == a.dropLast(2) else { return no("batches of \(a) and \(b)") } }
      return ok(a.dropLast().appending(n), .f32)

    case .conv2d(let c):
      let w = x[1].shape
      guard a.count == 4, w.count == 4, c.groups > 0, a[1] == w[1] * Int(c.groups), w[0] % Int(c.groups) == 0 else { return no("\(a) with kernel \(w)") }
      guard dtype == .f32, x[1].dtype.isFloat else { return no("wants floats, got \(dtype) and \(x[1].dtype)") }
      guard c.strideH > 0, c.strideW > 0, c.dilationH > 0, c.dilationW > 0, min(c.top, c.left, c.bottom, c.right) >= 0 else {
        return no("a stride or dilation below 1, or a padding below 0: \(c)")
      }
      let h = (a[2] + Int(c.top + c.bottom) - Int(c.dilationH) * (w[2] - 1) - 1)
      let v = (a[3] + Int(c.left + c.right) - Int(c.dilationW) * (w[3] - 1) - 1)
      guard h >= 0, v >= 0 else { return no("kernel \(w) is larger than \(a)") }
      return ok([a[0], w[0], h / Int(c.strideH) + 1, v / Int(c.strideW) + 1], .f32)

    case .pool2d(let p):
      guard a.count == 4, dtype == .f32 else { return no("wants f32 [n, c, h, w], got \(dtype)\(a)") }
      guard p.strideH > 0, p.strideW > 0, p.kernelH > 0, p.kernelW > 0, 2 * p.padH <= p.kernelH, 2 * p.padW <= p.kernelW, min(p.padH, p.padW) >= 0
      else { return no("a window or stride below 1, or a padding over half the window: \(p)") }
      let h = a[2] + 2 * Int(p.padH) - Int(p.kernelH)
      let v = a[3] + 2 * Int(p.padW) - Int(p.kernelW)
      guard h >= 0, v >= 0 else { return no("window \(p.kernelH)x\(p.kernelW) is larger than \(a)") }
      return ok([a[0], a[1], h / Int(p.strideH) + 1, v / Int(p.strideW) + 1], dtype)

    case .layerNorm, .rmsNorm:
      guard a.count >= 1, x.allSatisfy({ $0.dtype == .f32 }) else { return no("wants f32, got \(x.map(\.dtype)) of \(a)") }
      for other in x.dropFirst() where other.shape != [a[-1]] { return no("\(a) with \(other.shape)") }
      return ok(a, dtype)
    case .groupNorm(let groups, _):
      guard a.count >= 2, groups > 0, x.allSatisfy({ $0.dtype == .f32 }), a[1] % Int(groups) == 0, x[1].shape == [a[1]], x[2].shape == [a[1]] else { return no("\(a) in \(groups) groups") }
      return ok(a, dtype)

    case .rope(let rope):
      guard a.count >= 3, rope.rotary >= 0, rope.rotary % 2 == 0, Int(rope.rotary) <= a[-1], dtype == .f32, x[1].shape == a.dropLast(2),
        x[1].dtype == .i32, x[2].shape == [Int(rope.rotary) / 2], x[2].dtype == .f32
      else { return no("\(a) at positions \(x[1].shape) with \(x[2].shape) frequencies, rotary \(rope.rotary)") }
      return ok(a, dtype)

    case .attention(let spec):
      let k = x[1].shape
      let v = x[2].shape
      guard a.count == 4, k.count == 4, v.count == 4, a[0] == k[0], k[0] == v[0], k[1] == v[1], k[2] == v[2], a[3] == k[3], k[2] > 0, a[2] % k[2] == 0
      else { return no("queries \(a), keys \(k), values \(v)") }
      guard dtype == .f32, x[1].dtype.isFloat || x[1].dtype.isKept, x[2].dtype == x[1].dtype else { return no("queries \(dtype), keys \(x[1].dtype), values \(x[2].dtype)") }
      guard x[1].dtype.holdsRows(of: k[3]), x[1].dtype.holdsRows(of: v[3]) else { return no("\(x[1].dtype) keys \(k) and values \(v), which cut blocks") }
      guard spec.window >= 0, spec.window == 0 || spec.hasPositions else { return no("a window of \(spec.window) without positions") }
      var next = 3
      if spec.hasPositions {
        guard x[next].shape == [a[0], a[1]], x[next].dtype == .i32 else { return no("positions \(x[next].shape) for queries \(a)") }
        next += 1
      }
      if spec.hasBias {
        let b = x[next].shape
        guard b.count == 4, b[0] == a[0] || b[0] == 1, b[1] == a[2] || b[1] == 1, b[2] == a[1], b[3] == k[1], x[next].dtype == .f32 else { return no("bias \(b) for queries \(a), keys \(k)") }
      }
      return ok([a[0], a[1], a[2], v[3]], .f32)

    case .linear(let spec):
      let w = x[1].shape
      guard w.count == 2, a.count >= 1, a[-1] == w[1], dtype == .f32, x[1].dtype.isWeight else { return no("\(a) x \(w)ᵀ") }
      let result = a.dropLast().appending(w[0])
      if spec.hasBias { guard x[2].shape == [w[0]] else { return no("bias \(x[2].shape) for \(w)") } }
      if spec.hasResidual { guard x[spec.hasBias ? 3 : 2].shape == result else { return no("residual for \(result)") } }
      return ok(result, .f32)
    case .swiglu: return a == x[1].shape && dtype == .f32 && x[1].dtype == .f32 ? ok(a, dtype) : no("\(a) against \(x[1].shape)")

    case .input, .state, .scalar, .iota, .reshape, .slice, .expand, .cast, .resize2d, .topK:
      return no("has no inferred shape")
    }
  }
}

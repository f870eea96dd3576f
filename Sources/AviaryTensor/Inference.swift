/// What is wrong with an operation's operands, with their shapes.
struct ShapeMismatch: Error { let text: String }

extension Op {
  /// The result's shape and dtype where they follow from the operands. Operations whose shape is given (`reshape`,
  /// `slice`, `expand`, `cast`, `resize2d`, `topK`, leaves) are checked where they are recorded.
  func infer(_ x: [(shape: Shape, dtype: DType)]) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> {
    func ok(_ shape: Shape, _ dtype: DType) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> { .success((shape, dtype)) }
    func no(_ text: String) -> Result<(shape: Shape, dtype: DType), ShapeMismatch> { .failure(ShapeMismatch(text: text)) }
    let a = x.first?.shape ?? []
    let dtype = x.first?.dtype ?? .f32

    switch self {
    case .permute(let axes):
      guard Int(axes.count) == a.count, Set((0..<a.count).map { axes[$0] }) == Set(0..<a.count) else {
        return no("\(a) has no such order of axes")
      }
      return ok(Shape((0..<a.count).map { a[axes[$0]] }), dtype)

    case .contiguous, .softmax, .cumsum, .clamp: return ok(a, dtype)
    case .unary: return dtype == .f32 ? ok(a, dtype) : no("wants f32, got \(dtype)")

    case .binary(let kind):
      guard a == x[1].shape, dtype == x[1].dtype else { return no("\(dtype)\(a) against \(x[1].dtype)\(x[1].shape)") }
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
        guard other.count == a.count, Int(axis) < a.count, part.dtype == dtype else { return no("\(a) with \(part.shape)") }
        total += other[Int(axis)]
        other[Int(axis)] = a[Int(axis)]
        guard other == a else { return no("\(a) with \(part.shape) along axis \(axis)") }
      }
      var joined = a
      joined[Int(axis)] = total
      return ok(joined, dtype)

    case .pad(let axis, let before, let after, _):
      var padded = a
      padded[Int(axis)] += Int(before) + Int(after)
      return ok(padded, dtype)

    case .gatherRows:
      guard a.count >= 1, x[1].dtype == .i32 else { return no("table \(a), ids \(x[1].dtype)\(x[1].shape)") }
      return ok(Shape(x[1].shape.dims + a.dims.dropFirst()), dtype.isFloat ? .f32 : dtype)

    case .scatterRows:
      let rows = x[1].shape
      guard a.count >= 1, rows.count == a.count, rows.dims.dropFirst() == a.dims.dropFirst(), x[2].shape == [rows[0]], x[2].dtype == .i32
      else { return no("rows \(rows) at ids \(x[2].shape) into \(a)") }
      return ok(a, dtype)

    case .reduce(let kind, let axis):
      guard Int(axis) < a.count else { return no("axis \(axis) of \(a)") }
      var reduced = a
      reduced[Int(axis)] = 1
      return ok(reduced, kind == .argmax ? .i32 : dtype)

    case .matmul(let transposed):
      let b = x[1].shape
      guard a.count >= 2 || a.count == 1, b.count >= 2, dtype == .f32, x[1].dtype.isFloat else { return no("\(dtype)\(a) x \(x[1].dtype)\(b)") }
      let (n, k) = transposed ? (b[-2], b[-1]) : (b[-1], b[-2])
      guard a[-1] == k else { return no("\(a) x \(b)\(transposed ? "ᵀ" : "")") }
      if b.count > 2 { guard b.count == a.count, b.dropLast(2) == a.dropLast(2) else { return no("batches of \(a) and \(b)") } }
      return ok(a.dropLast().appending(n), .f32)

    case .conv2d(let c):
      let w = x[1].shape
      guard a.count == 4, w.count == 4, c.groups > 0, a[1] == w[1] * Int(c.groups), w[0] % Int(c.groups) == 0 else { return no("\(a) with kernel \(w)") }
      let h = (a[2] + Int(c.top + c.bottom) - Int(c.dilationH) * (w[2] - 1) - 1)
      let v = (a[3] + Int(c.left + c.right) - Int(c.dilationW) * (w[3] - 1) - 1)
      guard h >= 0, v >= 0 else { return no("kernel \(w) is larger than \(a)") }
      return ok([a[0], w[0], h / Int(c.strideH) + 1, v / Int(c.strideW) + 1], .f32)

    case .pool2d(let p):
      guard a.count == 4 else { return no("\(a)") }
      let h = a[2] + 2 * Int(p.padH) - Int(p.kernelH)
      let v = a[3] + 2 * Int(p.padW) - Int(p.kernelW)
      guard h >= 0, v >= 0 else { return no("window \(p.kernelH)x\(p.kernelW) is larger than \(a)") }
      return ok([a[0], a[1], h / Int(p.strideH) + 1, v / Int(p.strideW) + 1], dtype)

    case .layerNorm, .rmsNorm:
      for other in x.dropFirst() where other.shape != [a[-1]] { return no("\(a) with \(other.shape)") }
      return ok(a, dtype)
    case .groupNorm(let groups, _):
      guard a.count >= 2, a[1] % Int(groups) == 0, x[1].shape == [a[1]], x[2].shape == [a[1]] else { return no("\(a) in \(groups) groups") }
      return ok(a, dtype)

    case .rope(let rope):
      guard a.count >= 3, x[1].shape == a.dropLast(2), x[1].dtype == .i32, x[2].shape == [Int(rope.rotary) / 2], Int(rope.rotary) <= a[-1]
      else { return no("\(a) at positions \(x[1].shape) with \(x[2].shape) frequencies, rotary \(rope.rotary)") }
      return ok(a, dtype)

    case .attention(let spec):
      let k = x[1].shape
      let v = x[2].shape
      guard a.count == 4, k.count == 4, v.count == 4, a[0] == k[0], k[0] == v[0], k[1] == v[1], k[2] == v[2], a[3] == k[3], k[2] > 0, a[2] % k[2] == 0
      else { return no("queries \(a), keys \(k), values \(v)") }
      var next = 3
      if spec.hasPositions {
        guard x[next].shape == [a[0], a[1]], x[next].dtype == .i32 else { return no("positions \(x[next].shape) for queries \(a)") }
        next += 1
      }
      if spec.hasBias {
        let b = x[next].shape
        guard b.count == 4, b[0] == a[0] || b[0] == 1, b[1] == a[2] || b[1] == 1, b[2] == a[1], b[3] == k[1] else { return no("bias \(b) for queries \(a), keys \(k)") }
      }
      return ok([a[0], a[1], a[2], v[3]], .f32)

    case .linear(let spec):
      let w = x[1].shape
      guard w.count == 2, a[-1] == w[1] else { return no("\(a) x \(w)ᵀ") }
      let result = a.dropLast().appending(w[0])
      if spec.hasBias { guard x[2].shape == [w[0]] else { return no("bias \(x[2].shape) for \(w)") } }
      if spec.hasResidual { guard x[spec.hasBias ? 3 : 2].shape == result else { return no("residual for \(result)") } }
      return ok(result, .f32)
    case .swiglu: return a == x[1].shape ? ok(a, dtype) : no("\(a) against \(x[1].shape)")

    case .quantizeRows, .dequantizeRows, .input, .state, .scalar, .iota, .reshape, .slice, .expand, .cast, .resize2d, .topK:
      return no("has no inferred shape")
    }
  }
}

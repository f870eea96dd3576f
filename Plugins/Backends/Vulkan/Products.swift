import AviaryTensor

/// Products of matrices.
extension Recorder {
  /// A product with what follows it, over rows of `a` that are walked as batches of evenly spaced rows.
  struct Product {
    var a: View, b: View, out: View
    var bias: View?, residual: View?
    var activation: UnaryKind?
    /// Columns of the output, terms, and the steps of b along each.
    var n: Int, k: Int, stepN: Int, stepK: Int
    /// Of the leading axes: sizes, and strides of a, b, out and residual.
    var lead: [Int]
    var strides: [[Int]]
  }

  mutating func matmul(_ a: View, _ b: View, _ out: View, transposed: Bool) throws(AviaryError) {
    let rank = b.shape.count
    let lead = Array(a.shape.dims.dropLast())
    let leadB = rank == 2 ? lead.map { _ in 0 } : Array(b.steps.dropLast(2)) + [0]
    let (n, k) = (out.shape[-1], a.shape[-1])
    let (stepN, stepK) = transposed ? (b.strides[rank - 2], b.strides[rank - 1]) : (b.strides[rank - 1], b.strides[rank - 2])
    try product(
      Product(
        a: a, b: b, out: out, n: n, k: k, stepN: stepN, stepK: stepK, lead: lead,
        strides: [Array(a.steps.dropLast()), leadB, Array(out.steps.dropLast()), lead.map { _ in 0 }]))
  }

  mutating func linear(_ spec: FusedLinear, _ x: [View], _ out: View) throws(AviaryError) {
    let lead = Array(x[0].shape.dims.dropLast())
    let residual = spec.hasResidual ? x[spec.hasBias ? 3 : 2] : nil
    try product(
      Product(
        a: x[0], b: x[1], out: out, bias: spec.hasBias ? x[2] : nil, residual: residual, activation: spec.activation, n: out.shape[-1],
        k: x[0].shape[-1], stepN: x[1].strides[0], stepK: 1, lead: lead,
        strides: [Array(x[0].steps.dropLast()), lead.map { _ in 0 }, Array(out.steps.dropLast()), residual.map { Array($0.steps.dropLast()) } ?? lead.map { _ in 0 }]))
  }

  /// Where an operand is larger than a binding, the product goes in pieces: weights by their rows, activations by theirs.
  private mutating func product(_ p: Product) throws(AviaryError) {
    // Blocks are read through texels, by any layout of the other operand.
    let texelRoom = isProcessor && p.b.dtype.isQuantised ? Int(device.info.limits.maxTexelBufferElements) * 16 : .max
    let room = min(device.largestBinding, texelRoom) - device.offsetAlignment
    if p.b.shape.count == 2, p.b.bytesReached > room, p.n > 1 {
      let columns = p.b.strides[0] == p.stepN ? 0 : 1
      for (start, length) in p.n.halves {
        var part = p
        part.n = length
        part.b = p.b.part(columns, start, length)
        part.out = p.out.part(p.out.shape.count - 1, start, length)
        part.bias = p.bias?.part(0, start, length)
        part.residual = p.residual.map { $0.part($0.shape.count - 1, start, length) }
        try product(part)
      }
      return
    }
    let isLarge = [p.a, p.out, p.residual ?? p.out, p.b].contains { $0.bytesReached > room }
    if isLarge, let axis = p.lead.firstIndex(where: { $0 > 1 }) {
      for (start, length) in p.lead[axis].halves {
        var part = p
        part.lead[axis] = length
        part.a = p.a.part(axis, start, length)
        part.out = p.out.part(axis, start, length)
        part.residual = p.residual?.part(axis, start, length)
        if p.b.shape.count > 2, axis < p.b.shape.count - 2 { part.b = p.b.part(axis, start, length) }
        try product(part)
      }
      return
    }
    try emit(p)
  }

  private mutating func emit(_ p: Product) throws(AviaryError) {
    if p.n == 0 { return }
    var walk = Walk(p.lead, p.strides)
    // The last axis is that of the rows, unless each of its rows has a b of its own.
    var (m, rows) = (1, [0, 0, 0, 0])
    if walk.strides[1][walk.sizes.count - 1] == 0 { (m, rows) = walk.removeLast() }
    let batches = walk.count
    if isProcessor, try emitFetched(p, walk, m, rows) { return }
    let b = try weight(p.b)
    let (a, out): (Bound, Bound) = (try bound(p.a), try bound(p.out))
    let (bias, residual): (Bound?, Bound?) = (try bound(p.bias), try bound(p.residual))
    let head: [UInt32] = [m, p.n, p.k, batches, walk.sizes.count].map { UInt32($0) }
    let firsts: [UInt32] = [a.first, b.first, out.first, bias?.first ?? 0, residual?.first ?? 0]
    let steps: [UInt32] = [rows[0], rows[2], rows[3], p.stepN, p.stepK, 0].map { UInt32($0) }
    let parameters = words(head, firsts, steps, walk.sizes.words, walk.strides.flatMap { $0.words }, b.words)
    let tail: [UInt32] = [p.bias == nil ? 0 : 1, p.activation.map { UInt32($0.rawValue) } ?? 99, p.residual == nil ? 0 : 1]
    let constants = words([UInt32(p.b.dtype.rawValue)], tail)
    if !isProcessor {
      // Few rows share nothing; more share tiles of both operands.
      let work = Double(m * p.n * batches) * Double(p.k + 20)
      if m <= 4 {
        dispatch("rowdot", size: 64, words(constants, [64]), groups: m * p.n * batches, work: work, [a, b.bound, bias, residual, b.sides], out, parameters)
      } else {
        let groups = (m + 31) / 32 * ((p.n + 31) / 32) * batches
        dispatch("tiled", size: 64, constants, groups: groups, work: work, [a, b.bound, bias, residual, b.sides], out, parameters)
      }
      return
    }
    let tiles = (m + 3) / 4 * ((p.n + 3) / 4) * batches
    dispatch("product", constants, items: tiles, size: 32, perItem: 16 * Double(p.k + 20), [a, b.bound, bias, residual, b.sides], out, parameters)
  }
}

extension Int {
  /// Two parts: where each starts, and how long it is.
  fileprivate var halves: [(Int, Int)] { [(0, self / 2), (self / 2, self - self / 2)] }
}

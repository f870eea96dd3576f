extension Reference {
  func matmul(_ a: Operand, _ b: Operand, _ out: Operand, transposed: Bool) {
    let rank = b.shape.count
    let n = out.shape[-1]
    let k = a.shape[-1]
    // A 2-D b is shared by all batches, which then are more rows of a.
    let batches = rank == 2 ? 1 : b.shape.dims.dropLast(2).reduce(1, *)
    let rows = batches == 0 || n == 0 ? 0 : out.shape.elements / n / batches
    let x = a.values()
    let starts = rank == 2 ? [b.view.offset] : b.leading(rank - 2).offsets
    let (ofN, ofK) = transposed ? (b.view.strides[rank - 2], b.view.strides[rank - 1]) : (b.view.strides[rank - 1], b.view.strides[rank - 2])
    var result = [Double](repeating: 0, count: out.shape.elements)
    for batch in 0..<batches {
      for j in 0..<n {
        let column = b.load(starts[batch] + j * ofN, count: k, stride: ofK)
        for i in 0..<rows {
          let row = (batch * rows + i) * k
          var sum = 0.0
          for p in 0..<k { sum += x[row + p] * column[p] }
          result[(batch * rows + i) * n + j] = sum
        }
      }
    }
    out.store(result)
  }

  /// Rounds wherever the unfused graph would store.
  func linear(_ spec: FusedLinear, _ x: [Operand], _ out: Operand) {
    matmul(x[0], x[1], out, transposed: true)
    let n = out.shape[-1]
    var values = out.values()
    var next = 2
    if spec.hasBias {
      let bias = x[next].values()
      next += 1
      for i in values.indices { values[i] = rounded(values[i] + bias[i % n]) }
    }
    if let activation = spec.activation { values = values.map { rounded(unary(activation, $0)) } }
    if spec.hasResidual {
      let residual = x[next].values()
      for i in values.indices { values[i] += residual[i] }
    }
    out.store(values)
  }
}

extension Operand {
  /// A window on the first element of each block of the leading axes.
  func leading(_ axes: Int) -> View {
    var part = view
    part.shape = Shape(shape.dims.prefix(axes))
    return part
  }
}

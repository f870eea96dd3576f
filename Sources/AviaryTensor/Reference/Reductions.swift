extension Reference {
  /// The lines along one axis: positions, in row-major order, of each line's elements.
  private func lines(_ shape: Shape, _ axis: Int, _ body: (_ line: Int, _ positions: StrideTo<Int>) -> Void) {
    let inner = shape.dims[(axis + 1)...].reduce(1, *)
    let outer = shape.dims[..<axis].reduce(1, *)
    let length = shape[axis]
    for o in 0..<outer {
      for i in 0..<inner {
        let start = o * length * inner + i
        body(o * inner + i, stride(from: start, to: start + length * inner, by: max(inner, 1)))
      }
    }
  }

  /// NaN counts as the largest. Of no elements: sum 0, mean NaN, max -infinity, argmax 0.
  func reduce(_ kind: ReduceKind, _ x: Operand, _ out: Operand, _ axis: Int) {
    let values = x.values()
    var result = [Double](repeating: 0, count: out.shape.elements)
    lines(x.shape, axis) { line, positions in
      switch kind {
      case .sum: result[line] = positions.reduce(0) { $0 + values[$1] }
      case .mean: result[line] = positions.reduce(0) { $0 + values[$1] } / Double(x.shape[axis])
      case .max, .argmax:
        var best = -Double.infinity
        var index = 0
        for (i, p) in positions.enumerated() where isGreater(values[p], best) { (best, index) = (values[p], i) }
        result[line] = kind == .max ? best : Double(index)
      }
    }
    out.store(result)
  }

  func isGreater(_ a: Double, _ b: Double) -> Bool { a > b || (a.isNaN && !b.isNaN) }

  func cumsum(_ x: Operand, _ out: Operand, _ axis: Int) {
    var values = x.values()
    lines(x.shape, axis) { _, positions in
      var sum = 0.0
      for p in positions {
        sum += values[p]
        values[p] = sum
      }
    }
    out.store(values)
  }

  /// Equal values in order of position.
  func topK(_ x: Operand, _ out: Operand, indices: Bool) {
    let values = x.values()
    let k = out.shape[-1]
    var result: [Double] = []
    lines(x.shape, x.shape.count - 1) { _, positions in
      let row = positions.map { values[$0] }
      let order = row.indices.sorted { isGreater(row[$0], row[$1]) || (!isGreater(row[$1], row[$0]) && $0 < $1) }
      for i in order.prefix(k) { result.append(indices ? Double(i) : row[i]) }
    }
    out.store(result)
  }
}

import AviaryTensor

/// Pooling and resizing.
extension Backward {
  func pool2d(_ spec: Pool2D) -> Tensor {
    spec.kind == .mean ? meanPool(spec) : maxPool(spec)
  }

  /// Each output's derivative in equal parts to its window.
  private func meanPool(_ spec: Pool2D) -> Tensor {
    let part = dy * (1 / Float(spec.kernelH * spec.kernelW))
    return overWindows(spec) { _, _ in part }
  }

  /// Each output's derivative to the first element of its window that is the maximum.
  private func maxPool(_ spec: Pool2D) -> Tensor {
    let padded = x.padded(2, before: Int(spec.padH), after: Int(spec.padH), value: -.infinity)
      .padded(3, before: Int(spec.padW), after: Int(spec.padW), value: -.infinity)
    var rest = dy
    let zero = graph.scalar(0).expanded(to: dy.shape)
    return overWindows(spec) { i, j in
      let seen = padded.slice(2, i..<i + (dy.size(2) - 1) * Int(spec.strideH) + 1, step: Int(spec.strideH))
        .slice(3, j..<j + (dy.size(3) - 1) * Int(spec.strideW) + 1, step: Int(spec.strideW))
      let reaches = seen.binary(.equal, result)
      let mine = reaches.select(rest, zero)
      rest = reaches.select(zero, rest)
      return mine
    }
  }

  /// The sum over a window's places of what each output gives to that place.
  private func overWindows(_ spec: Pool2D, _ part: (Int, Int) -> Tensor) -> Tensor {
    let size = (x.size(2) + 2 * Int(spec.padH), x.size(3) + 2 * Int(spec.padW))
    var sum: Tensor?
    for i in 0..<Int(spec.kernelH) {
      for j in 0..<Int(spec.kernelW) {
        let placed = part(i, j).spread(2, Int(spec.strideH)).fitted(2, before: i, size: size.0)
          .spread(3, Int(spec.strideW)).fitted(3, before: j, size: size.1)
        sum = sum.map { $0 + placed } ?? placed
      }
    }
    let whole = sum ?? graph.scalar(0).expanded(to: [x.size(0), x.size(1), size.0, size.1])
    return whole.slice(2, Int(spec.padH)..<Int(spec.padH) + x.size(2)).slice(3, Int(spec.padW)..<Int(spec.padW) + x.size(3))
  }

  /// Resizing is a product with one matrix along each axis; resizing the unit matrix shows it.
  func resize2d(_ spec: Resize2D) -> Tensor {
    func matrix(_ from: Int, _ to: Int) -> Tensor {
      let rows = graph.iota(from).reshaped(from, 1).expanded(to: [from, from])
      let unit = rows.binary(.equal, graph.iota(from).expanded(to: [from, from])).cast(.f32)
      return unit.reshaped(1, 1, from, from).resize2d(spec, height: from, width: to).reshaped(from, to)
    }
    let ofColumns = dy.matmul(matrix(x.size(3), dy.size(3)))  // [n, c, oh, w]
    return ofColumns.transposed().matmul(matrix(x.size(2), dy.size(2))).transposed()
  }
}

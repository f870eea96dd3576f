import AviaryTensor

/// Views and moves.
extension Backward {
  func permute(_ axes: Axes) -> Tensor {
    var inverse = [Int](repeating: 0, count: Int(axes.count))
    for i in inverse.indices { inverse[axes[i]] = i }
    return dy.permuted(inverse)
  }

  func slice(_ axis: Int, _ start: Int, _ step: Int) -> Tensor {
    dy.spread(axis, step).fitted(axis, before: start, size: x.size(axis))
  }

  func concat(_ axis: Int) -> [Tensor?] {
    var start = 0
    return operands.indices.map { k in
      let range = start..<start + operands[k].size(axis)
      start = range.upperBound
      return wants[k] ? dy.slice(axis, range) : nil
    }
  }

  /// The rows' derivatives, added up where an id comes several times.
  func gatherRows() -> Tensor {
    let rows = dy.reshaped([operands[1].shape.elements] + x.shape.dims.dropFirst())
    return graph.scalar(0).expanded(to: x.shape).scatterAddRows(rows, at: operands[1].reshaped(-1))
  }

  /// Ids must differ: of rows written to one place the last counts, and this gives all of them its derivative.
  func scatterRows() -> [Tensor?] {
    let ids = operands[2]
    let rows = operands[1]
    let zeros = graph.scalar(0).expanded(to: rows.shape)
    return [wants[0] ? dy.scatterRows(zeros, at: ids) : nil, wants[1] ? dy.gatherRows(ids) : nil, nil]
  }

  func topK() -> Tensor {
    let k = dy.size(dy.rank - 1)
    let width = x.size(x.rank - 1)
    let rows = x.shape.elements / max(width, 1)
    let places = x.topK(k, indices: true).reshaped(rows, k)
    let starts = graph.iota(rows).binary(.multiply, graph.scalar(Float(width)).cast(.i32).expanded(to: [rows]))
    let flat = places.binary(.add, starts.reshaped(rows, 1)).reshaped(-1)
    return graph.scalar(0).expanded(to: [rows * width, 1]).scatterAddRows(dy.reshaped(-1, 1), at: flat).reshaped(x.shape.dims)
  }
}

extension Tensor {
  /// Zeros between neighbours along an axis, so that they are `step` apart.
  func spread(_ axis: Int, _ step: Int) -> Tensor {
    if step == 1 { return self }
    var dims = shape.dims
    dims.insert(1, at: axis + 1)
    let padded = reshaped(dims).padded(axis + 1, after: step - 1)
    dims[axis] *= step
    dims.remove(at: axis + 1)
    return padded.reshaped(dims)
  }

  /// Zeros around an axis, or elements cut off its end: of that size, the first element at `before`.
  func fitted(_ axis: Int, before: Int, size: Int) -> Tensor {
    let room = size - before
    let kept = self.size(axis) > room ? slice(axis, 0..<room) : self
    return kept.padded(axis, before: before, after: room - kept.size(axis))
  }
}

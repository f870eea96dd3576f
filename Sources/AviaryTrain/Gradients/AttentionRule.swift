import AviaryTensor

/// Attention's way back: its weights are computed again, as [b, key heads, queries of the group, keys].
extension Backward {
  /// Bytes of scores that are at hand at once: what reads them next finds them in a cache, and a long batch needs no more memory for them than a short one.
  static let scoreBytes = 2 << 20

  /// Some samples of the batch after the others, where their scores are many.
  func attention(_ spec: Attention) -> [Tensor?] {
    let (q, k) = (operands[0], operands[1])
    let count = max(1, Self.scoreBytes / max(1, 4 * q.size(2) * q.size(1) * k.size(1)))
    guard count < q.size(0), !spec.hasBias else { return attentionAtOnce(spec) }
    let parts = stride(from: 0, to: q.size(0), by: count).map { first in
      let samples = first..<min(first + count, q.size(0))
      return Backward(
        graph: graph, op: op, operands: operands.map { $0.slice(0, samples) }, result: result.slice(0, samples), dy: dy.slice(0, samples), wants: wants
      ).attentionAtOnce(spec)
    }
    return operands.indices.map { operand in
      let gradients = parts.compactMap { $0[operand] }
      return gradients.isEmpty ? nil : Tensor.concat(gradients, axis: 0)
    }
  }

  private func attentionAtOnce(_ spec: Attention) -> [Tensor?] {
    let (q, k, v) = (operands[0], operands[1], operands[2])
    let (b, tq, heads, width) = (q.size(0), q.size(1), q.size(2), q.size(3))
    let (tk, keyHeads, valueWidth) = (k.size(1), k.size(2), v.size(3))
    let group = heads / keyHeads

    // [b, tq, heads, d] <-> [b, key heads, group * tq, d]
    func byHead(_ y: Tensor) -> Tensor {
      y.reshaped(b, tq, keyHeads, group, -1).permuted(0, 2, 3, 1, 4).reshaped(b, keyHeads, group * tq, -1)
    }
    func byToken(_ y: Tensor) -> Tensor {
      y.reshaped(b, keyHeads, group, tq, -1).permuted(0, 3, 1, 2, 4).reshaped(b, tq, heads, -1)
    }

    // Scaled here, and not as scores, of which there are many more.
    let (queries, dOut) = (byHead(q) * spec.scale, byHead(dy))
    let (keys, values) = (k.permuted(0, 2, 1, 3), v.permuted(0, 2, 1, 3))
    let raw = queries.matmul(keys)
    let capped = spec.softcap > 0 ? (raw * (1 / spec.softcap)).unary(.tanh) : nil
    let scores = masked(capped.map { $0 * spec.softcap } ?? raw, spec, [b, keyHeads, group, tq, tk])
    var weights = scores.softmax()
    if spec.hasBias || spec.window > 0 {
      // A query that sees nothing has zeros, not equal parts of everything.
      weights = scores.binary(.less, graph.scalar(Backward.unseen / 10)).select(graph.scalar(0), weights)
    }

    let dValues = wants[2] ? weights.transposed().matmul(dOut, transposed: false).permuted(0, 2, 1, 3) : nil
    let hasBiasGradient = spec.hasBias && wants[wants.count - 1]
    guard wants[0] || wants[1] || hasBiasGradient else { return [nil, nil, dValues] + operands.dropFirst(3).map { _ in nil } }
    // The mean of a row's derivatives under its weights is that of its output.
    let mean = (dOut * byHead(result)).reduce(.sum)
    let dScores = weights * (dOut.matmul(values) - mean)
    let dRaw = capped.map { dScores * ($0.unary(.square) * -1 + 1) } ?? dScores
    let dQueries = wants[0] ? byToken(dRaw.matmul(keys, transposed: false) * spec.scale) : nil
    let dKeys = wants[1] ? dRaw.transposed().matmul(queries, transposed: false).permuted(0, 2, 1, 3) : nil
    precondition(dQueries.map { $0.shape == q.shape } ?? true && width > 0 && valueWidth > 0)
    var all: [Tensor?] = [dQueries, dKeys, dValues]
    if spec.hasPositions { all.append(nil) }
    if spec.hasBias {
      let bias = operands[operands.count - 1]
      all.append(hasBiasGradient ? dScores.reshaped(b, heads, tq, tk).summed(to: bias.shape) : nil)
    }
    return all
  }

  /// What stands for the score of a key that is not seen: far below any other, and yet a number.
  private static let unseen: Float = -1e30

  /// Scores with the bias added and unseen keys marked.
  private func masked(_ scores: Tensor, _ spec: Attention, _ shape: Shape) -> Tensor {
    guard spec.hasPositions || spec.hasBias else { return scores }
    var y = scores.reshaped(shape.dims)
    let (b, keyHeads, group, tq, tk) = (shape[0], shape[1], shape[2], shape[3], shape[4])
    if spec.hasBias {
      let bias = operands[operands.count - 1]
      y = y + bias.reshaped(bias.size(0), bias.size(1) == 1 ? 1 : keyHeads, bias.size(1) == 1 ? 1 : group, tq, tk)
      y = y.clamped(Backward.unseen, .greatestFiniteMagnitude)
    }
    if spec.hasPositions {
      let places = graph.iota(tk).cast(.f32).expanded(to: [b, 1, 1, tq, tk])
      let positions = operands[3].cast(.f32).reshaped(b, 1, 1, tq, 1).expanded(to: [b, 1, 1, tq, tk])
      let hidden = graph.scalar(Backward.unseen).expanded(to: shape)
      y = places.binary(.lessOrEqual, positions).expanded(to: shape).select(y, hidden)
      if spec.window > 0 {
        y = (positions + -Float(spec.window)).binary(.less, places).expanded(to: shape).select(y, hidden)
      }
    }
    return y.reshaped(scores.shape.dims)
  }
}

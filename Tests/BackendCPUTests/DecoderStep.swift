import AviaryTensor
import TensorTestSupport

/// A small decoder (two layers of the Llama kind) recorded over a key-value cache in 16 bits: every operation of a step.
struct DecoderStep {
  static let hidden = 64, heads = 4, kvHeads = 2, head = 16, feed = 96, vocabulary = 50, capacity = 40

  static var weights: [Given] {
    var list = [Given.pattern([vocabulary, hidden], 1).halved, Given([head / 2], (0..<head / 2).map { 1 / Double($0 + 1) })]
    for layer in 0..<2 {
      let shapes: [Shape] = [[hidden], [hidden, hidden], [kvHeads * head, hidden], [kvHeads * head, hidden], [hidden, hidden], [hidden], [feed, hidden], [feed, hidden], [hidden, feed]]
      list += shapes.enumerated().map { Given.pattern($1, $0 + 3 * layer).halved }
    }
    return list
  }

  static var states: [[UInt8]] { (0..<4).map { _ in [UInt8](repeating: 0, count: capacity * kvHeads * head * 2) } }

  /// ids [t], positions [1, t], rows [t] of the cache; sees the first `seen` rows. Gives the logits of the last token.
  static func record(_ graph: Graph, tokens: Int, seen: Int) {
    let w = graph.weights.all.map(graph.use)
    let ids = graph.input(0, [tokens], .i32), positions = graph.input(1, [1, tokens], .i32), rows = graph.input(2, [tokens], .i32)
    var spec = Attention(scale: 0.25)
    spec.window = 30
    var x = w[0].gatherRows(ids).reshaped(1, tokens, hidden)
    for layer in 0..<2 {
      let p = Array(w[(2 + 9 * layer)..<(11 + 9 * layer)])
      let normed = x.rmsNorm(p[0], epsilon: 1e-5)
      let rope = RoPE(rotary: head)
      let q = normed.matmul(p[1]).reshaped(1, tokens, heads, head).rope(rope, positions: positions, inverseFrequencies: w[1])
      let k = normed.matmul(p[2]).reshaped(1, tokens, kvHeads, head).rope(rope, positions: positions, inverseFrequencies: w[1])
      let v = normed.matmul(p[3])
      func cached(_ slot: Int, _ new: Tensor) -> Tensor {
        graph.state(slot, [capacity, kvHeads * head], .bf16).scatterRows(new.reshaped(tokens, kvHeads * head), at: rows)
          .slice(0, 0..<seen).reshaped(1, seen, kvHeads, head)
      }
      let mixed = q.attention(cached(2 * layer, k), cached(2 * layer + 1, v), spec, positions: positions)
      x = mixed.reshaped(1, tokens, hidden).matmul(p[4]) + x
      let inner = x.rmsNorm(p[5], epsilon: 1e-5)
      x = (inner.matmul(p[6]).unary(.silu) * inner.matmul(p[7])).matmul(p[8]) + x
    }
    let logits = x.slice(1, (tokens - 1)..<tokens).matmul(w[0])
    graph.output(logits)
    graph.output(logits.topK(5, indices: true))
    graph.output(logits.softmax())
  }

  static func graph(tokens: Int, seen: Int) -> Graph {
    let table = weights.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.shape, dtype: $0.element.dtype) }
    let graph = Graph(weights: WeightShapes(table))
    record(graph, tokens: tokens, seen: seen)
    return graph
  }

  static func values(tokens: Int, start: Int) -> Values {
    let positions = (0..<tokens).map { Double(start + $0) }
    return Values(
      weights: weights.map { bytes($0.values, $0.dtype) }, states: states,
      inputs: [bytes((0..<tokens).map { Double(($0 * 7 + 3) % vocabulary) }, .i32), bytes(positions, .i32), bytes(positions, .i32)])
  }
}

extension Given {
  /// The same pattern as bf16 weights of a tenth the size.
  var halved: Given { Given(shape, values.map { Double(float(bf16: bf16Bits(Float($0 / 10)))) }, .bf16) }
}

/// silu(gate) * up, in either order: the gated feed-forward of LLaMA (Shazeer 2020).
enum SwiGLUFusion {
  static func match(_ i: Int, _ graph: Graph, _ usage: Usage, _ matches: borrowing FusionMatches) -> FusionMatches.Match? {
    guard graph.nodes[i].op == .unary(.silu), let product = matches.soleReader(of: i, usage),
      graph.nodes[product].op == .binary(.multiply)
    else { return nil }
    let (a, b) = (graph.operand(0, of: product), graph.operand(1, of: product))
    return ([Int32(i), Int32(product)], FusedNode(op: .swiglu, operands: [graph.operand(0, of: i), a == Int32(i) ? b : a]))
  }

  static func decompose(_ x: [Tensor]) -> Tensor { x[0].unary(.silu) * x[1] }
}

/// x times a 2-D weight, with whatever of bias, activation and residual follows in that order.
///
/// A bare product becomes a `linear` as well, so that backends have one path for weights.
enum LinearFusion {
  private static let activations: Set<UnaryKind> = [.gelu, .geluTanh, .quickGelu, .silu, .relu]

  static func match(_ i: Int, _ graph: Graph, _ usage: Usage, _ matches: borrowing FusionMatches) -> FusionMatches.Match? {
    guard graph.nodes[i].op == .matmul(transposed: true), isWeight(graph.operand(1, of: i), graph) else { return nil }
    var spec = FusedLinear()
    var chain: ShortList = [Int32(i)]
    var operands: ShortList = [graph.operand(0, of: i), graph.operand(1, of: i)]
    var end = i
    while !spec.hasResidual, let reader = matches.soleReader(of: end, usage) {
      switch graph.nodes[reader].op {
      case .binary(.add):
        let (a, b) = (graph.operand(0, of: reader), graph.operand(1, of: reader))
        let other = a == Int32(end) ? b : a
        if !spec.hasBias && spec.activation == nil && isRow(other, graph) {
          spec.hasBias = true
        } else {
          spec.hasResidual = true
        }
        operands.append(other)
      case .unary(let kind) where spec.activation == nil && activations.contains(kind):
        spec.activation = kind
      default: return (chain, FusedNode(op: .linear(spec), operands: operands, row: spec.hasBias ? 2 : nil))
      }
      chain.append(Int32(reader))
      end = reader
    }
    return (chain, FusedNode(op: .linear(spec), operands: operands, row: spec.hasBias ? 2 : nil))
  }

  static func decompose(_ spec: FusedLinear, _ x: [Tensor]) -> Tensor {
    var y = x[0].matmul(x[1])
    if spec.hasBias { y = y + x[2] }
    if let activation = spec.activation { y = y.unary(activation) }
    if spec.hasResidual { y = y + x[spec.hasBias ? 3 : 2] }
    return y
  }

  /// A 2-D weight, or a 2-D window on one.
  private static func isWeight(_ id: Int32, _ graph: Graph) -> Bool {
    if id < 0 { return graph.weights.all[Int(~id)].shape.count == 2 }
    guard graph.nodes[Int(id)].shape.count == 2 else { return false }
    var source = id
    while source >= 0 {
      switch graph.nodes[Int(source)].op {
      case .reshape, .permute, .slice, .expand: source = graph.operand(0, of: Int(source))
      default: return false
      }
    }
    return true
  }

  /// One row repeated along all other axes, as recording broadcasts a bias.
  private static func isRow(_ id: Int32, _ graph: Graph) -> Bool {
    guard id >= 0, graph.nodes[Int(id)].op == .expand else { return false }
    let source = graph.operand(0, of: Int(id))
    let shape = source < 0 ? graph.weights.all[Int(~source)].shape : graph.nodes[Int(source)].shape
    return shape[-1] == graph.nodes[Int(id)].shape[-1] && shape.elements == shape[-1]
  }
}

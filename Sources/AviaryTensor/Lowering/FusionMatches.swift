/// A fused step in the place of a chain of nodes.
struct FusedNode {
  let op: Op
  let operands: [Int32]
  /// The operand that is one row of an expanded value, -1 for none.
  var row = -1
  func isRow(_ k: Int) -> Bool { k == row }
}

/// Which nodes become parts of fused steps, by the index of the chain's last node.
struct FusionMatches {
  /// Intermediate nodes that no step computes any more.
  private(set) var isAbsorbed: ContiguousArray<Bool>
  private var fusedAt: ContiguousArray<Int32>
  private var fused: [FusedNode] = []

  subscript(node: Int) -> FusedNode? { fusedAt[node] < 0 ? nil : fused[Int(fusedAt[node])] }

  init(_ graph: Graph, _ usage: Usage, _ claimed: Set<Fusion>) {
    isAbsorbed = ContiguousArray(repeating: false, count: graph.nodes.count)
    fusedAt = ContiguousArray(repeating: -1, count: graph.nodes.count)
  }
}

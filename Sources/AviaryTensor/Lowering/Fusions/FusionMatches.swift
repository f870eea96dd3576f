/// A fused step in the place of a chain of nodes.
struct FusedNode {
  let op: Op
  let operands: ShortList
  /// The operand that is one row of an expanded value.
  var row: Int?
}

/// Which nodes become parts of fused steps. A chain runs where its last node stood; its other nodes have no other use.
struct FusionMatches {
  /// Intermediate nodes that no step computes any more.
  private(set) var isAbsorbed: ContiguousArray<Bool>
  /// By node: an index in `fused`, or -1.
  private var fusedAt: ContiguousArray<Int32>
  private var fused: [FusedNode] = []

  /// The fused step that runs in the place of this node.
  subscript(node: Int) -> FusedNode? { fusedAt[node] < 0 ? nil : fused[Int(fusedAt[node])] }

  init(_ graph: Graph, _ usage: Usage, _ claimed: Set<Fusion>) {
    isAbsorbed = ContiguousArray(repeating: false, count: graph.nodes.count)
    fusedAt = ContiguousArray(repeating: -1, count: graph.nodes.count)
    // Before `linear`, which would take the silu for itself.
    if claimed.contains(.swiglu) { match(graph, usage, SwiGLUFusion.match) }
    if claimed.contains(.linear) { match(graph, usage, LinearFusion.match) }
  }

  /// A chain by its node numbers in order, and what replaces it.
  typealias Match = (chain: ShortList, node: FusedNode)

  private mutating func match(_ graph: Graph, _ usage: Usage, _ pattern: (Int, Graph, Usage, borrowing FusionMatches) -> Match?) {
    for i in graph.nodes.indices where usage.isLive[i] && !isTaken(i) {
      guard let match = pattern(i, graph, usage, self), let last = match.chain.last else { continue }
      for link in 0..<match.chain.count - 1 { isAbsorbed[Int(match.chain[link])] = true }
      fusedAt[Int(last)] = Int32(fused.count)
      fused.append(match.node)
    }
  }

  func isTaken(_ node: Int) -> Bool { isAbsorbed[node] || fusedAt[node] >= 0 }

  /// The one reader of a node that may be computed together with it: nobody else sees the value, and no write lies
  /// between the two.
  func soleReader(of node: Int, _ usage: Usage) -> Int? {
    guard usage.uses[node] == 1, !usage.isOutput[node] else { return nil }
    let reader = Int(usage.lastUse[node])
    return usage.writesBefore[reader] == usage.writesBefore[node] && !isTaken(reader) ? reader : nil
  }
}

extension Fusion {
  /// The unfused operations that a fused one stands for, recorded on the operands; nil for ops that are not fused.
  public static func decompose(_ op: Op, _ operands: [Tensor]) -> Tensor? {
    switch op {
    case .linear(let spec): LinearFusion.decompose(spec, operands)
    case .swiglu: SwiGLUFusion.decompose(operands)
    default: nil
    }
  }
}

extension Graph {
  /// Operand k of a node.
  func operand(_ k: Int, of node: Int) -> Int32 { operandIDs[Int(nodes[node].operands.lowerBound) + k] }
}

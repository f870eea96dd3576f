/// Which nodes matter, and who reads them: one pass forward and one back over a graph.
struct Usage {
  /// Reached from an output or an effect.
  private(set) var isLive: ContiguousArray<Bool>
  /// The value is a window on a state: `state` itself, and views of it or writes to it.
  private(set) var isState: ContiguousArray<Bool>
  private(set) var isOutput: ContiguousArray<Bool>
  /// Live readers; an output counts as one.
  private(set) var uses: ContiguousArray<Int32>
  /// The last live reader, -1 for none; `.max` for outputs.
  private(set) var lastUse: ContiguousArray<Int32>
  /// `scatterRows` and `scatterAddRows` nodes before each node: reads must not be moved over a write.
  private(set) var writesBefore: ContiguousArray<Int32>

  init(_ graph: Graph) {
    let count = graph.nodes.count
    isLive = ContiguousArray(repeating: false, count: count)
    isState = isLive
    isOutput = isLive
    uses = ContiguousArray(repeating: 0, count: count)
    lastUse = ContiguousArray(repeating: -1, count: count)
    writesBefore = uses
    markStates(graph)
    markLive(graph)
  }

  private mutating func markStates(_ graph: Graph) {
    var writes: Int32 = 0
    for i in graph.nodes.indices {
      let node = graph.nodes[i]
      writesBefore[i] = writes
      switch node.op {
      case .state: isState[i] = true
      case .reshape, .permute, .slice: isState[i] = isStateOperand(graph, node)
      case .scatterRows, .scatterAddRows:
        isState[i] = isStateOperand(graph, node)
        isLive[i] = isState[i]
        writes += 1
      default: break
      }
    }
  }

  private func isStateOperand(_ graph: Graph, _ node: Node) -> Bool {
    let source = graph.operandIDs[Int(node.operands.lowerBound)]
    return source >= 0 && isState[Int(source)]
  }

  private mutating func markLive(_ graph: Graph) {
    for id in graph.outputs {
      isLive[Int(id)] = true
      isOutput[Int(id)] = true
      uses[Int(id)] += 1
      lastUse[Int(id)] = .max
    }
    for i in graph.nodes.indices.reversed() where isLive[i] {
      for slot in graph.nodes[i].operands {
        let id = Int(graph.operandIDs[Int(slot)])
        if id < 0 { continue }
        isLive[id] = true
        uses[id] += 1
        lastUse[id] = max(lastUse[id], Int32(i))
      }
    }
  }
}

import AviaryTensor

/// Values that the way back computes again, block by block, instead of keeping them (Chen et al. 2016).
///
/// When the way back enters a block, its nodes are recorded once more on the values that stood before it; these live
/// only as long as the block's gradients need them.
struct Recomputation {
  private let graph: Graph
  private let blocks: [Range<Int>]
  /// By node: its block, or -1.
  private var blockOf: [Int32] = []
  private var entered: Set<Int32> = []
  private var again: [Int32: Tensor] = [:]

  init(_ graph: Graph, _ blocks: [Range<Int>]) {
    self.graph = graph
    self.blocks = blocks
    if blocks.isEmpty { return }
    blockOf = [Int32](repeating: -1, count: graph.nodes.count)
    for (index, block) in blocks.enumerated() { for i in block { blockOf[i] = Int32(index) } }
  }

  /// Records a node's block again where that has not been done.
  mutating func enter(_ node: Int) {
    guard !blocks.isEmpty, blockOf[node] >= 0, entered.insert(blockOf[node]).inserted else { return }
    for i in blocks[Int(blockOf[node])] {
      let node = graph.nodes[i]
      switch node.op {
      case .input, .state, .scalar, .iota: continue
      default: break
      }
      let path = graph.path
      graph.path = node.path
      let operands = node.operands.map { value(graph.operandIDs[Int($0)]) }
      again[Int32(i)] = graph.record(node.op, operands, shape: node.shape, dtype: node.dtype)
      graph.path = path
    }
  }

  /// A value as the way back sees it.
  func value(_ id: Int32) -> Tensor {
    if let tensor = again[id] { return tensor }
    if id < 0 {
      let weight = graph.weights.all[Int(~id)]
      return Tensor(graph: graph, id: id, shape: weight.shape, dtype: weight.dtype)
    }
    let node = graph.nodes[Int(id)]
    return Tensor(graph: graph, id: id, shape: node.shape, dtype: node.dtype)
  }
}

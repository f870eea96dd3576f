/// Writes the steps of a plan. Until `Planner` has run, `Place.arena` holds the number of a value, not an offset.
struct Emitter {
  private let graph: Graph
  private let usage: Usage
  private let weightTypes: Set<DType>
  private let anyStrides: Bool

  /// The window that each node's value is.
  private var nodeViews: ContiguousArray<View?>
  /// A contiguous copy made for a node, with the number of writes that it has seen.
  private var copies: ContiguousArray<(view: View, writes: Int32)?>
  private var steps: [PlanStep] = []
  private var operands: [View] = []
  private var valueBytes: ContiguousArray<Int> = []
  /// The last node that reads each value under any name.
  private var valueLastUse: ContiguousArray<Int32> = []
  private var scratch: [View] = []

  init(_ graph: Graph, _ usage: Usage, _ capabilities: Capabilities) {
    self.graph = graph
    self.usage = usage
    (weightTypes, anyStrides) = (capabilities.weightTypes, capabilities.readsAnyStrides)
    nodeViews = ContiguousArray(repeating: nil, count: graph.nodes.count)
    copies = ContiguousArray(repeating: nil, count: graph.nodes.count)
    steps.reserveCapacity(graph.nodes.count)
    operands.reserveCapacity(graph.nodes.count * 2)
    valueBytes.reserveCapacity(graph.nodes.count)
    valueLastUse.reserveCapacity(graph.nodes.count)
  }

  func plan() -> Plan {
    var outputs: [View] = []
    for id in graph.outputs { outputs.append(view(id)) }
    return Planner(steps, operands, valueBytes, outputs).plan()
  }

  // MARK: Nodes

  mutating func emit(_ i: Int) {
    let node = graph.nodes[i]
    let view: View
    switch node.op {
    case .input(let slot): view = View(contiguous: node.shape, node.dtype, at: .input(slot))
    case .state(let slot): view = View(contiguous: node.shape, node.dtype, at: .state(slot))
    case .permute(let axes): view = self.view(operand(node, 0)).permuted(axes)
    case .expand: view = self.view(operand(node, 0)).expanded(to: node.shape)
    case .slice(let axis, let start, let step):
      let axis = Int(axis)
      view = self.view(operand(node, 0)).sliced(axis, start: Int(start), step: Int(step), length: node.shape[axis])
    case .reshape:
      let source = operand(node, 0)
      if let folded = self.view(source).reshaped(to: node.shape) {
        view = folded
      } else {
        var copied = copy(source, at: i)
        copied.shape = node.shape
        copied.strides = View.rowMajor(node.shape)
        view = copied
      }
    case .contiguous: view = contiguous(node, i)
    case .scatterRows, .scatterAddRows: view = scatter(node, i)
    default:
      scratch.removeAll(keepingCapacity: true)
      for k in 0..<node.operands.count { scratch.append(acceptable(operand(node, k), k, node.op, i)) }
      view = appendStep(node.op, View(contiguous: node.shape, node.dtype, at: newValue(node.shape, node.dtype)), node.path)
    }
    bind(view, to: i)
  }

  /// A fused step in the place of the chain's last node.
  mutating func emit(_ fused: FusedNode, at i: Int) {
    let node = graph.nodes[i]
    scratch.removeAll(keepingCapacity: true)
    for k in fused.operands.indices {
      if k == fused.row {
        // A bias: the expanded operand's one row.
        var row = view(fused.operands[k])
        row.strides[0] = row.strides[row.shape.count - 1]
        for axis in 1..<Shape.maxRank { row.strides[axis] = 0 }
        row.shape = [row.shape[-1]]
        if !OperandLayout.contiguous.accepts(row) { row = appendCopy(row, node.path) }
        scratch.append(row)
      } else {
        scratch.append(acceptable(fused.operands[k], k, fused.op, i))
      }
    }
    bind(appendStep(fused.op, View(contiguous: node.shape, node.dtype, at: newValue(node.shape, node.dtype)), node.path), to: i)
  }

  /// A copy, unless the source is already contiguous and cannot change under its reader.
  private mutating func contiguous(_ node: Node, _ i: Int) -> View {
    let source = operand(node, 0)
    let view = self.view(source)
    if view.isContiguous {
      switch view.place {
      case .arena: return view
      case .weight, .input: if !usage.isOutput[i] { return view }
      case .state: break
      }
    }
    return appendCopy(view, node.path)
  }

  /// In place on a state, and on a value that nobody reads afterwards; else on a copy.
  private mutating func scatter(_ node: Node, _ i: Int) -> View {
    var target = view(operand(node, 0))
    if usage.isState[i] {
      guard case .state = target.place else {
        preconditionFailure("\(node.path): rows cannot be written to a state through a reshape that needs a copy")
      }
    } else if !isLastUse(of: target, at: i) || !target.isContiguous {
      target = appendCopy(target, node.path)
    }
    scratch.removeAll(keepingCapacity: true)
    scratch.append(target)
    scratch.append(view(operand(node, 1)))
    scratch.append(view(operand(node, 2)))
    return appendStep(node.op, target, node.path)
  }

  private func isLastUse(of view: View, at i: Int) -> Bool {
    guard case .arena(let value) = view.place else { return false }
    return valueLastUse[value] <= Int32(i)
  }

  // MARK: Operands

  private func operand(_ node: Node, _ k: Int) -> Int32 { graph.operandIDs[Int(node.operands.lowerBound) + k] }

  private func view(_ id: Int32) -> View {
    if id < 0 {
      let weight = graph.weights.all[Int(~id)]
      return View(contiguous: weight.shape, weight.dtype, at: .weight(~id))
    }
    guard let view = nodeViews[Int(id)] else { preconditionFailure("node \(id) is read before it is recorded") }
    return view
  }

  /// The operand in a form that the kernel takes: cast or copied where it must be.
  private mutating func acceptable(_ id: Int32, _ k: Int, _ op: Op, _ i: Int) -> View {
    let view = self.view(id)
    if op.readsStoredType(ofOperand: k), view.dtype.isWeight, view.dtype != .f32, !weightTypes.contains(view.dtype) {
      return appendCopy(view, as: .f32, graph.nodes[i].path)
    }
    return op.layout(of: view, asOperand: k, anyStrides: anyStrides).accepts(view) ? view : copy(id, at: i)
  }

  /// A contiguous copy, made once for all readers between two writes.
  private mutating func copy(_ id: Int32, at i: Int) -> View {
    let path = graph.nodes[i].path
    if id < 0 { return appendCopy(view(id), path) }
    if let made = copies[Int(id)], made.writes == usage.writesBefore[i] { return made.view }
    let view = appendCopy(self.view(id), path)
    copies[Int(id)] = (view, usage.writesBefore[i])
    return view
  }

  // MARK: Steps and values

  private mutating func appendCopy(_ source: View, as dtype: DType? = nil, _ path: ModulePath) -> View {
    let dtype = dtype ?? source.dtype
    let output = View(contiguous: source.shape, dtype, at: newValue(source.shape, dtype))
    operands.append(source)
    steps.append(
      PlanStep(op: dtype == source.dtype ? .contiguous : .cast, operands: operands.count - 1..<operands.count, output: output, path: path))
    return output
  }

  private mutating func appendStep(_ op: Op, _ output: View, _ path: ModulePath) -> View {
    let start = operands.count
    operands.append(contentsOf: scratch)
    steps.append(PlanStep(op: op, operands: start..<operands.count, output: output, path: path))
    return output
  }

  private mutating func newValue(_ shape: Shape, _ dtype: DType) -> Place {
    // Shapes of recorded nodes have been multiplied out already, so the count is a number.
    valueBytes.append(dtype.byteCount(elements: shape.elements) ?? 0)
    valueLastUse.append(-1)
    return .arena(valueBytes.count - 1)
  }

  private mutating func bind(_ view: View, to i: Int) {
    nodeViews[i] = view
    if case .arena(let value) = view.place { valueLastUse[value] = max(valueLastUse[value], usage.lastUse[i]) }
  }
}

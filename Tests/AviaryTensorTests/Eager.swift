import AviaryTensor
import TensorTestSupport

/// Runs a graph one node at a time, each value an array of its own: no views, no arena, no lowering of more than one
/// operation. Slow and simple, for comparing.
struct Eager {
  private let graph: Graph
  private let given: Values
  private let weightValues: [[Double]]

  init(_ graph: Graph, _ given: Values) {
    self.graph = graph
    self.given = given
    weightValues = zip(graph.weights.all, given.weights).map { doubles($1, $0.dtype) }
  }

  func outputs() throws -> [[Double]] {
    var states = given.states
    var values: [[Double]] = []
    for node in graph.nodes {
      switch node.op {
      case .input(let slot): values.append(doubles(given.inputs[Int(slot)], node.dtype))
      case .state(let slot): values.append(doubles(states[Int(slot)], node.dtype))
      case .permute(let axes): values.append(gather(node, values) { node, i in node.index(i, of: axes) })
      case .slice(let axis, let start, let step):
        values.append(gather(node, values) { _, i in
          var i = i
          i[Int(axis)] = Int(start) + i[Int(axis)] * Int(step)
          return i
        })
      case .expand:
        let source = shape(node, 0)
        values.append(gather(node, values) { _, i in i.enumerated().map { source[$0.offset] == 1 ? 0 : $0.element } })
      case .reshape, .contiguous: values.append(operand(node, 0, values))
      default:
        values.append(try single(node, values))
        if node.op == .scatterRows || node.op == .scatterAddRows, case .state(let slot) = graph.nodes[Int(ids(node)[0])].op {
          states[Int(slot)] = bytes(values[values.count - 1], node.dtype)
        }
      }
    }
    return graph.outputs.map { values[Int($0)] }
  }

  private func ids(_ node: Node) -> [Int32] { node.operands.map { graph.operandIDs[Int($0)] } }
  private func shape(_ node: Node, _ k: Int) -> Shape { info(ids(node)[k]).0 }
  private func info(_ id: Int32) -> (Shape, DType) {
    id < 0 ? (graph.weights.all[Int(~id)].shape, graph.weights.all[Int(~id)].dtype) : (graph.nodes[Int(id)].shape, graph.nodes[Int(id)].dtype)
  }
  private func operand(_ node: Node, _ k: Int, _ values: [[Double]]) -> [Double] {
    let id = ids(node)[k]
    return id < 0 ? weightValues[Int(~id)] : values[Int(id)]
  }

  /// Element i of the result is the operand's element at `source(i)`.
  private func gather(_ node: Node, _ values: [[Double]], _ source: (Node, [Int]) -> [Int]) -> [Double] {
    let (from, x) = (shape(node, 0), operand(node, 0, values))
    return (0..<node.shape.elements).map { flat in
      var (rest, index) = (flat, [Int](repeating: 0, count: node.shape.count))
      for axis in (0..<node.shape.count).reversed() {
        index[axis] = rest % node.shape[axis]
        rest /= node.shape[axis]
      }
      let place = source(node, index)
      return x[place.indices.reduce(0) { $0 * from[$1] + place[$1] }]
    }
  }

  private func single(_ node: Node, _ values: [[Double]]) throws -> [Double] {
    let operands = ids(node).indices.map { k in Given(info(ids(node)[k]).0, operand(node, k, values), info(ids(node)[k]).1) }
    let views = operands.enumerated().map { View(contiguous: $0.element.shape, $0.element.dtype, at: .input(Int32($0.offset))) }
    if node.op == .scatterRows || node.op == .scatterAddRows {
      var result = operands[0].values
      let width = node.shape.dropFirst().elements
      for (row, id) in operands[2].values.enumerated() {
        for i in 0..<width {
          let before = node.op == .scatterAddRows ? result[Int(id) * width + i] : 0
          result[Int(id) * width + i] = before + operands[1].values[row * width + i]
        }
      }
      return result
    }
    let output = View(contiguous: node.shape, node.dtype, at: .arena(0))
    let plan = Plan(
      steps: [PlanStep(op: node.op, operands: 0..<views.count, output: output)], views: views,
      arenaBytes: node.dtype.byteCount(elements: node.shape.elements) ?? 0, outputs: [output])
    return try run(plan, Values(inputs: operands.map { bytes($0.values, $0.dtype) }), on: Reference()).outputs[0]
  }
}

extension Node {
  fileprivate func index(_ i: [Int], of axes: Axes) -> [Int] {
    var source = i
    for axis in i.indices { source[axes[axis]] = i[axis] }
    return source
  }
}

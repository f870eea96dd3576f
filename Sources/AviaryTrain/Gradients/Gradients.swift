public import AviaryTensor

/// Reverse-mode differentiation as a transform of a recorded graph: for every operation a rule appends nodes of the same
/// set, so that any backend trains (Griewank and Walther 2008).
///
/// Works on primitives, before Lowering makes fused forms of anything.
public struct Gradients {
  private let graph: Graph
  /// Nodes recorded before the transform.
  private let count: Int
  /// By node: a target depends on nothing but what leads to it, so only nodes on such a way are differentiated.
  private var isOnTheWay: [Bool]
  private var weightsOnTheWay: Set<Int32>
  private var ofNodes: [Tensor?]
  private var ofWeights: [Int32: Tensor] = [:]
  private var recomputation: Recomputation

  /// Appends the gradients of a sum over `seeds`, each a value with the derivative of what is minimised by it.
  ///
  /// - Parameters:
  ///   - seeds: values and cotangents of their shapes, f32, of one graph.
  ///   - targets: weights or nodes to differentiate by.
  ///   - recompute: blocks of nodes whose values are computed again on the way back instead of kept.
  /// - Returns: for each target its gradient, f32 of the target's shape; nil where the seeds do not depend on it.
  public static func append(of seeds: [(value: Tensor, cotangent: Tensor)], by targets: [Tensor], recompute: [Range<Int>] = []) -> [Tensor?] {
    guard let graph = seeds.first?.value.graph else { return targets.map { _ in nil } }
    var gradients = Gradients(graph, targets, recompute)
    for seed in seeds { gradients.add(seed.cotangent, to: seed.value.id) }
    gradients.walk()
    return targets.map { $0.id < 0 ? gradients.ofWeights[$0.id] : gradients.ofNodes[Int($0.id)] }
  }

  private init(_ graph: Graph, _ targets: [Tensor], _ blocks: [Range<Int>]) {
    self.graph = graph
    count = graph.nodes.count
    weightsOnTheWay = Set(targets.filter { $0.id < 0 }.map(\.id))
    isOnTheWay = [Bool](repeating: false, count: count)
    ofNodes = [Tensor?](repeating: nil, count: count)
    recomputation = Recomputation(graph, blocks)
    for target in targets where target.id >= 0 { isOnTheWay[Int(target.id)] = true }
    for i in 0..<count where !isOnTheWay[i] {
      isOnTheWay[i] = graph.nodes[i].operands.contains { leads(graph.operandIDs[Int($0)]) }
    }
  }

  private func leads(_ id: Int32) -> Bool { id < 0 ? weightsOnTheWay.contains(id) : isOnTheWay[Int(id)] }

  private mutating func add(_ cotangent: Tensor, to id: Int32) {
    if id < 0 {
      ofWeights[id] = ofWeights[id].map { $0 + cotangent } ?? cotangent
    } else {
      ofNodes[Int(id)] = ofNodes[Int(id)].map { $0 + cotangent } ?? cotangent
    }
  }

  private mutating func walk() {
    for i in (0..<count).reversed() {
      guard isOnTheWay[i], let dy = ofNodes[i] else { continue }
      let node = graph.nodes[i]
      let ids = node.operands.map { graph.operandIDs[Int($0)] }
      let wants = ids.map(leads)
      guard wants.contains(true) else { continue }
      let outer = graph.path
      graph.path = node.path
      recomputation.enter(i)
      let step = Backward(
        graph: graph, op: node.op, operands: ids.map { recomputation.value($0) }, result: recomputation.value(Int32(i)), dy: dy, wants: wants)
      for (k, gradient) in step.gradients().enumerated() where wants[k] {
        guard let gradient else { continue }
        precondition(gradient.shape == step.operands[k].shape, "\(node.op): gradient \(gradient.shape) of \(step.operands[k].shape)")
        add(gradient, to: ids[k])
      }
      graph.path = outer
    }
  }
}

/// One node on the way back: its operands, its result, and the derivative `dy` by the result.
struct Backward {
  let graph: Graph
  let op: Op
  let operands: [Tensor]
  let result: Tensor
  let dy: Tensor
  /// Which operands lead to a target.
  let wants: [Bool]

  var x: Tensor { operands[0] }

  /// The derivative by each operand, nil for one that has none or that nobody wants.
  func gradients() -> [Tensor?] {
    switch op {
    case .reshape: return [dy.reshaped(x.shape.dims)]
    case .permute(let axes): return [permute(axes)]
    case .slice(let axis, let start, let step): return [slice(Int(axis), Int(start), Int(step))]
    case .expand: return [dy.summed(to: x.shape)]
    case .cast: return [x.dtype.isFloat && result.dtype.isFloat ? dy : nil]
    case .contiguous: return [dy]
    case .concat(let axis): return concat(Int(axis))
    case .pad(let axis, let before, _, _):
      return [dy.slice(Int(axis), Int(before)..<Int(before) + x.size(Int(axis)))]
    case .gatherRows: return [gatherRows(), nil]
    case .scatterRows: return scatterRows()
    case .scatterAddRows: return [dy, wants[1] ? dy.gatherRows(operands[2]) : nil, nil]
    case .unary(let kind): return [unary(kind)]
    case .binary(let kind): return binary(kind)
    case .select:
      let zero = graph.scalar(0).expanded(to: dy.shape)
      return [nil, wants[1] ? x.select(dy, zero) : nil, wants[2] ? x.select(zero, dy) : nil]
    case .clamp(let low, let high):
      let isInside = x.binary(.equal, x.clamped(low, high))
      return [isInside.select(dy, graph.scalar(0).expanded(to: dy.shape))]
    case .reduce(let kind, let axis): return [reduce(kind, Int(axis))]
    case .cumsum(let axis): return [dy.reduce(.sum, axis: Int(axis)) - dy.cumsum(axis: Int(axis)) + dy]
    case .topK(let indices): return [indices ? nil : topK()]
    case .matmul(let transposed): return matmul(transposed)
    case .conv2d(let spec): return conv2d(spec)
    case .pool2d(let spec): return [pool2d(spec)]
    case .resize2d(let spec): return [resize2d(spec)]
    case .layerNorm(let epsilon): return layerNorm(epsilon)
    case .rmsNorm(let epsilon): return rmsNorm(epsilon)
    case .groupNorm(let groups, let epsilon): return groupNorm(Int(groups), epsilon)
    case .softmax: return [softmaxGradient(result, dy)]
    case .rope(let spec): return [rope(spec), nil, nil]
    case .attention(let spec): return attention(spec)
    case .input, .state, .scalar, .iota: return []
    case .linear, .swiglu:
      preconditionFailure("\(graph.path): \(op) is no primitive that has a gradient")
    }
  }

  /// The derivative through y = softmax(x).
  func softmaxGradient(_ y: Tensor, _ dy: Tensor) -> Tensor { y * (dy - (y * dy).reduce(.sum)) }
}

extension Tensor {
  /// Summed over the axes that expanding repeated, so that the result has the source's shape.
  func summed(to source: Shape) -> Tensor {
    var sum = self
    // Leading axes in one pass.
    var leading = 0
    while leading < source.count, source[leading] == 1 { leading += 1 }
    if leading > 1, shape != source {
      let rest = Array(shape.dims.dropFirst(leading))
      sum = sum.reshaped([shape.dims.prefix(leading).reduce(1, *)] + rest).reduce(.sum, axis: 0).reshaped(Array(repeating: 1, count: leading) + rest)
    }
    for axis in 0..<source.count where source[axis] == 1 && sum.shape[axis] != 1 { sum = sum.reduce(.sum, axis: axis) }
    return sum
  }

  /// Summed over all axes but the last: [..., n] -> [n].
  func summedRows() -> Tensor { reshaped(-1, size(rank - 1)).reduce(.sum, axis: 0).reshaped(size(rank - 1)) }
}

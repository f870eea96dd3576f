import AviaryTensor
import AviaryTrain
import TensorTestSupport

/// A plan whose floats are all f64: the reference backend computes in Double and stores what a view's dtype says.
func inDoubles(_ plan: Plan) -> Plan {
  func wide(_ view: View) -> View {
    var wide = view
    if case .arena(let offset) = view.place { wide.place = .arena(2 * offset) }
    if view.dtype == .f32 { wide.dtype = .f64 }
    return wide
  }
  return Plan(
    steps: plan.steps.map { PlanStep(op: $0.op, operands: $0.operands, output: wide($0.output), path: $0.path) }, views: plan.views.map(wide),
    arenaBytes: 2 * plan.arenaBytes, outputs: plan.outputs.map(wide))
}

/// A function of given numbers, its gradient by the transform, and its gradient by central differences, all in f64.
struct GradientCheck {
  let inputs: [Given]
  let weights: [Given]
  let recompute: Bool
  let body: (_ x: [Tensor], _ w: [Tensor]) -> Tensor

  init(_ inputs: [Given], weights: [Given] = [], recompute: Bool = false, _ body: @escaping (_ x: [Tensor], _ w: [Tensor]) -> Tensor) {
    (self.inputs, self.weights, self.recompute, self.body) = (inputs, weights, recompute, body)
  }

  /// The largest difference between the two gradients over all floating inputs and weights, over 1 + the gradient's size; nil where
  /// the transform gave no gradient although the function depends on a value.
  func error() throws -> Double? {
    let table = weights.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.shape, dtype: $0.element.dtype) }
    let graph = Graph(weights: WeightShapes(table))
    let x = inputs.enumerated().map { graph.input($0.offset, $0.element.shape, $0.element.dtype) }
    let w = table.map(graph.use)
    let first = graph.nodes.count
    let y = body(x, w)
    let last = graph.nodes.count
    graph.output(y)
    let forward = inDoubles(Lowering.lower(graph, for: Reference().capabilities, Lowering.Options(fuse: false)))
    var random = SeededGenerator(11)
    let direction = Given(y.shape, (0..<y.shape.elements).map { _ in Double.random(in: -1...1, using: &random) })
    let seed = graph.input(inputs.count, y.shape, .f32)
    let targets = zip(x + w, inputs + weights).filter { $0.1.dtype.isFloat }.map(\.0)
    let gradients = Gradients.append(of: [(y, seed)], by: targets, recompute: recompute ? [first..<last] : [])
    for gradient in gradients { if let gradient { graph.output(gradient) } }
    let whole = inDoubles(Lowering.lower(graph, for: Reference().capabilities, Lowering.Options(fuse: false)))

    var numbers = (inputs + weights).map(\.values)
    func values() -> Values {
      let all = zip(inputs + weights, numbers).map { given, numbers in bytes(numbers, given.dtype == .f32 ? .f64 : given.dtype) }
      return Values(weights: Array(all[inputs.count...]), inputs: Array(all[..<inputs.count]) + [bytes(direction.values, .f64)])
    }
    func loss() throws -> Double { zip(try run(forward, values(), on: Reference()).outputs[0], direction.values).map(*).reduce(0, +) }

    var found = try run(whole, values(), on: Reference()).outputs.dropFirst()
    var worst = 0.0
    var next = 0
    for (index, given) in (inputs + weights).enumerated() where given.dtype.isFloat {
      let analytic = gradients[next] == nil ? nil : found.removeFirst()
      next += 1
      for i in given.values.indices {
        let step = 1e-6
        let value = numbers[index][i]
        numbers[index][i] = value + step
        let above = try loss()
        numbers[index][i] = value - step
        let below = try loss()
        numbers[index][i] = value
        let numeric = (above - below) / (2 * step)
        guard let analytic else {
          if abs(numeric) > 1e-7 { return nil }
          continue
        }
        worst = max(worst, abs(numeric - analytic[i]) / (1 + abs(numeric)))
        if !analytic[i].isFinite { return .infinity }
      }
    }
    return worst
  }
}

extension Given {
  /// Numbers without pattern, in f32 unless said else.
  static func noise(_ shape: Shape, seed: UInt64 = 1, in range: ClosedRange<Double> = -1.5...1.5) -> Given {
    var random = SeededGenerator(seed &* 977 &+ UInt64(shape.elements))
    return Given(shape, (0..<shape.elements).map { _ in Double.random(in: range, using: &random) })
  }
  static func ids(_ shape: Shape, _ values: [Int]) -> Given { Given(shape, values.map(Double.init), .i32) }
}

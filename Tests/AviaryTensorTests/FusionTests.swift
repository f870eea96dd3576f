import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct FusionTests {
  private let all = Reference().capabilities
  private let weights = [
    Weight(slot: 0, shape: [4, 4], dtype: .f32), Weight(slot: 1, shape: [4], dtype: .f32), Weight(slot: 2, shape: [8, 4], dtype: .bf16),
  ]

  private func graph(_ body: (Tensor, [Tensor]) -> Tensor) -> Graph {
    let graph = Graph(weights: WeightShapes(weights))
    graph.output(body(graph.input(0, [2, 3, 4], .f32), weights.map(graph.use)))
    return graph
  }

  private func steps(_ body: (Tensor, [Tensor]) -> Tensor) -> [Op] { Lowering.lower(graph(body), for: all).steps.map(\.op) }

  private func linear(bias: Bool = false, _ activation: UnaryKind? = nil, residual: Bool = false) -> Op {
    var spec = FusedLinear()
    (spec.hasBias, spec.activation, spec.hasResidual) = (bias, activation, residual)
    return .linear(spec)
  }

  @Test func whatLinearTakesIn() {
    #expect(steps { x, w in x.matmul(w[0]) } == [linear()])
    #expect(steps { x, w in x.matmul(w[0]) + w[1] } == [linear(bias: true)])
    #expect(steps { x, w in w[1] + x.matmul(w[0]) } == [linear(bias: true)])
    #expect(steps { x, w in x + x.matmul(w[0]) } == [linear(residual: true)])
    #expect(steps { x, w in (x.matmul(w[0]) + w[1]).unary(.geluTanh) + x } == [linear(bias: true, .geluTanh, residual: true)])
    #expect(steps { x, w in x.matmul(w[2].slice(0, 4..<8)) } == [linear()])
  }

  @Test func whatItLeaves() {
    // Not one of its activations; two residuals; an activation after the residual.
    #expect(steps { x, w in x.matmul(w[0]).unary(.exp) } == [linear(), .unary(.exp)])
    #expect(steps { x, w in x.matmul(w[0]) + x + x } == [linear(residual: true), .binary(.add)])
    #expect(steps { x, w in (x.matmul(w[0]) + x).unary(.relu) } == [linear(residual: true), .unary(.relu)])
    // Batched operands are no weights.
    #expect(steps { x, _ in x.matmul(x) } == [.matmul(transposed: true)])
  }

  @Test func valuesThatOthersReadStay() {
    let shared = steps { x, w in
      let y = x.matmul(w[0])
      return y.unary(.silu) + y
    }
    #expect(shared == [linear(), .unary(.silu), .binary(.add)])
    let graph = Graph(weights: WeightShapes(weights))
    let y = graph.input(0, [1, 4], .f32).matmul(graph.use(weights[0]))
    graph.output(y)
    graph.output(y.unary(.relu))
    #expect(Lowering.lower(graph, for: all).steps.map(\.op) == [linear(), .unary(.relu)])
  }

  @Test func readsAreNotMovedOverAWrite() throws {
    let graph = Graph(weights: WeightShapes(weights))
    let state = graph.state(0, [2, 4], .f32)
    let y = state.matmul(graph.use(weights[0]))
    _ = state.scatterRows(graph.input(0, [1, 4], .f32), at: graph.iota(1))
    graph.output(y.unary(.relu))
    let steps = Lowering.lower(graph, for: all).steps.map(\.op)
    #expect(steps == [linear(), .iota(start: 0), .scatterRows, .unary(.relu)])
  }

  @Test func swigluInEitherOrderComesBeforeSilu() {
    #expect(steps { x, w in x.matmul(w[0]).unary(.silu) * x.matmul(w[0]) } == [linear(), linear(), .swiglu])
    #expect(steps { x, w in x.matmul(w[0]) * x.matmul(w[0]).unary(.silu) } == [linear(), linear(), .swiglu])
    #expect(steps { x, _ in x.unary(.silu) * x.unary(.silu) } == [.unary(.silu), .swiglu])
  }

  @Test func fusionsCanBeSwitchedOff() {
    let graph = graph { x, w in (x.matmul(w[0]) + w[1]).unary(.silu) * x }
    #expect(
      Lowering.lower(graph, for: all, Lowering.Options(fuse: false)).steps.map(\.op)
        == [.matmul(transposed: true), .binary(.add), .unary(.silu), .binary(.multiply)])
    let none = Capabilities(deviceName: "", memoryBytes: 0)
    #expect(Lowering.lower(graph, for: none).steps.count == 4)
  }

  /// Every fused op, run as it is and as its decomposition.
  @Test(arguments: [nil, UnaryKind.gelu, .geluTanh, .quickGelu, .silu, .relu], 0..<4)
  func linearEqualsItsDecomposition(_ activation: UnaryKind?, _ operands: Int) throws {
    let (bias, residual) = (operands & 1 != 0, operands & 2 != 0)
    var spec = FusedLinear()
    (spec.hasBias, spec.hasResidual, spec.activation) = (bias, residual, activation)
    var operands = [Given.pattern([2, 3, 4]), .pattern([5, 4], 1)]
    if bias { operands.append(.pattern([5], 2)) }
    if residual { operands.append(.pattern([2, 3, 5], 6)) }
    try expectDecomposition(.linear(spec), operands, [2, 3, 5])
  }

  @Test func swigluEqualsItsDecomposition() throws {
    try expectDecomposition(.swiglu, [.pattern([3, 5]), .pattern([3, 5], 8)], [3, 5])
  }

  private func expectDecomposition(_ op: Op, _ operands: [Given], _ shape: Shape) throws {
    let views = operands.enumerated().map { View(contiguous: $0.element.shape, .f32, at: .input(Int32($0.offset))) }
    let output = View(contiguous: shape, .f32, at: .arena(0))
    let plan = Plan(
      steps: [PlanStep(op: op, operands: 0..<views.count, output: output)], views: views, arenaBytes: shape.elements * 4, outputs: [output])
    let fused = try run(plan, Values(inputs: operands.map { bytes($0.values) }), on: Reference()).outputs[0]
    let apart = try evaluate(operands, Lowering.Options(fuse: false)) { x, _ in Fusion.decompose(op, x) ?? x[0] }
    #expect(fused == apart)
  }
}

import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct LoweringTests {
  private let all = Reference().capabilities
  private func ops(_ graph: Graph, _ options: Lowering.Options = Lowering.Options()) -> [Op] {
    Lowering.lower(graph, for: all, options).steps.map(\.op)
  }

  @Test func deadNodesAreDroppedAndEffectsKept() {
    let graph = Graph()
    let x = graph.input(0, [2, 4], .f32)
    _ = x.softmax()
    _ = graph.state(0, [8, 4], .f32).scatterRows(x.unary(.gelu), at: graph.iota(2, start: 3))
    graph.output(x.unary(.tanh))
    #expect(ops(graph) == [.unary(.gelu), .iota(start: 3), .scatterRows, .unary(.tanh)])
  }

  @Test func viewsAreNoSteps() {
    let graph = Graph()
    let x = graph.input(0, [2, 3, 4], .f32)
    graph.output(x.permuted(1, 0, 2).slice(0, 1..<3).reshaped(2, 2, 2, 2).expanded(to: [2, 2, 2, 2]).unary(.exp))
    #expect(ops(graph) == [.unary(.exp)])
  }

  @Test func operandsAreCopiedOnlyWhereAKernelNeedsIt() {
    let graph = Graph()
    let x = graph.input(0, [4, 4], .f32)
    let turned = x.transposed()
    graph.output(turned + x)  // any strides
    graph.output(turned.softmax())  // unit rows
    graph.output(turned.topK(1, indices: false))  // the same copy again
    #expect(ops(graph) == [.binary(.add), .contiguous, .softmax, .topK(indices: false)])
  }

  @Test func transposedFactorsAreCopiedOnlyWhereStridesCannotBeRead() {
    let graph = Graph()
    let (x, y) = (graph.input(0, [3, 4], .f32), graph.input(1, [2, 5, 6], .f32))
    graph.output(x.transposed().matmul(x, transposed: false))
    let turned = y.transposed()
    graph.output(turned.matmul(turned))
    var claims = Capabilities(deviceName: "", memoryBytes: 0)
    #expect(Lowering.lower(graph, for: claims).steps.map(\.op) == [.contiguous, .matmul(transposed: false), .contiguous, .matmul(transposed: true)])
    claims.readsAnyStrides = true
    #expect(Lowering.lower(graph, for: claims).steps.map(\.op) == [.matmul(transposed: false), .matmul(transposed: true)])
  }

  @Test func aCopyIsNotReusedAcrossAWrite() throws {
    let graph = Graph()
    let state = graph.state(0, [2, 2], .f32)
    let turned = state.transposed()
    graph.output(turned.softmax())
    _ = state.scatterRows(graph.input(0, [1, 2], .f32), at: graph.iota(1))
    graph.output(turned.softmax())
    let results = try run(graph, Values(states: [bytes([0, 0, 0, 0])], inputs: [bytes([5, 0])]))
    #expect(results.outputs[0] == [0.5, 0.5, 0.5, 0.5])
    #expect(areClose(results.outputs[1], [0.9933071, 0.006692851, 0.5, 0.5]))
  }

  @Test func rowsAreWrittenThroughAWindowOnAState() throws {
    let graph = Graph()
    let cache = graph.state(0, [2, 3, 2], .f16)
    let layer = cache.slice(0, 1..<2).reshaped(3, 2)
    graph.output(layer.scatterRows(graph.input(0, [1, 2], .f32), at: graph.iota(1, start: 2)))
    let results = try run(graph, Values(states: [bytes([Double](repeating: 1, count: 12), .f16)], inputs: [bytes([5, 6])]))
    #expect(results.outputs == [[1, 1, 1, 1, 5, 6]])
    #expect(doubles(results.states[0], .f16) == [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 5, 6])
  }

  @Test func ordinaryTargetsAreCopiedUnlessNobodyReadsThemAgain() throws {
    func plan(_ readAgain: Bool) -> (Graph, [Op]) {
      let graph = Graph()
      let x = graph.input(0, [3, 2], .f32).unary(.negate)
      let y = x.scatterRows(graph.input(1, [1, 2], .f32), at: graph.iota(1, start: 1))
      graph.output(y)
      if readAgain { graph.output(x.unary(.negate)) }
      return (graph, ops(graph))
    }
    let given = Values(inputs: [bytes([1, 2, 3, 4, 5, 6]), bytes([8, 9])])
    let (once, onceOps) = plan(false)
    #expect(onceOps == [.unary(.negate), .iota(start: 1), .scatterRows])
    #expect(try run(once, given).outputs == [[-1, -2, 8, 9, -5, -6]])
    let (twice, twiceOps) = plan(true)
    #expect(twiceOps == [.unary(.negate), .iota(start: 1), .contiguous, .scatterRows, .unary(.negate)])
    #expect(try run(twice, given).outputs == [[-1, -2, 8, 9, -5, -6], [1, 2, 3, 4, 5, 6]])
  }

  @Test func typesThatTheBackendCannotReadAreCast() {
    let weight = Weight(slot: 0, shape: [3, 4], dtype: .bf16)
    let graph = Graph(weights: WeightShapes([weight]))
    graph.output(graph.input(0, [2, 4], .f32).matmul(graph.use(weight)))
    let plain = Capabilities(deviceName: "", memoryBytes: 0, fusions: [.linear], weightTypes: [.f32])
    let plan = Lowering.lower(graph, for: plain)
    #expect(plan.steps.map(\.op) == [.cast, .linear(FusedLinear())])
    #expect(plan.steps[0].output.dtype == .f32)
    #expect(Lowering.lower(graph, for: all).steps.map(\.op) == [.linear(FusedLinear())])
  }

  @Test func outputsAreContiguousAndInTheArena() {
    let weight = Weight(slot: 0, shape: [2, 3], dtype: .f32)
    let graph = Graph(weights: WeightShapes([weight]))
    let x = graph.input(0, [2, 3], .f32)
    for tensor in [x, x.transposed(), graph.use(weight), x.unary(.exp).transposed(), graph.state(0, [2, 3], .f32)] { graph.output(tensor) }
    let plan = Lowering.lower(graph, for: all)
    for output in plan.outputs {
      #expect(output.isContiguous)
      guard case .arena = output.place else {
        Issue.record("\(output.place)")
        continue
      }
    }
    #expect(Set(plan.outputs.map(\.place)).count == 5)
  }

  @Test func tapsAreOutputsOnlyWhereAskedFor() {
    let graph = Graph()
    graph.recordsTaps = true
    graph.output(graph.input(0, [2], .f32).unary(.exp).tapped("a.b").unary(.tanh))
    #expect(graph.taps.map(\.name) == ["a.b"])
    #expect(Lowering.lower(graph, for: all).outputs.count == 2)
    graph.reset()
    graph.recordsTaps = false
    graph.output(graph.input(0, [2], .f32).tapped("a.b"))
    #expect(graph.taps.isEmpty)
  }
}

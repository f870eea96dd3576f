import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ViewFoldingTests {
  @Test func chainOfViewsReadsTheRightElements() throws {
    let graph = Graph()
    let x = graph.input(0, [2, 3, 4], .f32)
    graph.output(x.permuted(2, 0, 1).reshaped(4, 6).slice(0, 1..<4, step: 2).slice(1, 2..<5))
    let found = try run(graph, Values(inputs: [bytes((0..<24).map(Double.init))]))
    // numpy: arange(24).reshape(2,3,4).transpose(2,0,1).reshape(4,6)[1:4:2, 2:5]
    #expect(found.outputs == [[9, 13, 17, 11, 15, 19]])
  }

  @Test func matmulBiasActivationResidual() throws {
    let w = [Weight(slot: 0, shape: [2, 3], dtype: .f32), Weight(slot: 1, shape: [2], dtype: .f32)]
    let graph = Graph(weights: WeightShapes(w))
    let x = graph.input(0, [2, 3], .f32)
    let y = x.matmul(graph.use(w[0])) + graph.use(w[1])
    graph.output(y.unary(.relu) + x.slice(1, 0..<2))
    let found = try run(graph, Values(weights: [bytes([1, 0, -1, 2, 1, 0]), bytes([0.5, -8])], inputs: [bytes([1, 2, 3, 4, 5, 6])]))
    #expect(found.outputs == [[1, 2, 4, 10]])
  }
}

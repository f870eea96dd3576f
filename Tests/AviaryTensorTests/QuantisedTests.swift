import AviaryTensor
import TensorTestSupport
import Testing

/// Quantised weights under the reference backend: products and tables are those of the dequantised floats.
@Suite struct QuantisedTests {
  /// A random matrix in blocks, and the floats that they hold.
  private func matrix(_ shape: Shape, _ dtype: DType) -> (bytes: [UInt8], floats: [Double]) {
    var random = SeededGenerator(5)
    let bytes = randomBlocks(shape.elements, dtype, using: &random)
    var floats = [Float](repeating: 0, count: shape.elements)
    bytes.withUnsafeBytes { raw in floats.withUnsafeMutableBufferPointer { Dequantise.blocks(dtype, raw, into: $0) } }
    return (bytes, floats.map(Double.init))
  }

  private func evaluate(_ shape: Shape, _ dtype: DType, _ x: Given, _ body: (Tensor, Tensor) -> Tensor) throws -> (quantised: [Double], plain: [Double]) {
    let (bytes, floats) = matrix(shape, dtype)
    func run(_ dtype: DType, _ stored: [UInt8]) throws -> [Double] {
      let weight = Weight(slot: 0, shape: shape, dtype: dtype)
      let graph = Graph(weights: WeightShapes([weight]))
      graph.output(body(graph.input(0, x.shape, x.dtype), graph.use(weight)))
      return try TensorTestSupport.run(graph, Values(weights: [stored], inputs: [TensorTestSupport.bytes(x.values, x.dtype)])).outputs[0]
    }
    return (try run(dtype, bytes), try run(.f32, TensorTestSupport.bytes(floats)))
  }

  @Test(arguments: DType.quantised) func products(_ dtype: DType) throws {
    let k = 2 * dtype.blockElements
    let found = try evaluate([5, k], dtype, .pattern([3, k])) { x, w in x.matmul(w) }
    #expect(found.quantised == found.plain)
    #expect(found.plain.contains { $0 != 0 })
    let part = try evaluate([5, k], dtype, .pattern([3, k])) { x, w in x.matmul(w.slice(0, 1..<4)) }
    #expect(part.quantised == part.plain)
  }

  @Test(arguments: DType.quantised) func tables(_ dtype: DType) throws {
    let found = try evaluate([5, 2 * dtype.blockElements], dtype, Given([3], [4, 0, 2], .i32)) { ids, w in w.gatherRows(ids) }
    #expect(found.quantised == found.plain)
    let part = try evaluate([5, 2 * dtype.blockElements], dtype, Given([1], [1], .i32)) { ids, w in w.slice(0, 2..<5).gatherRows(ids) }
    #expect(part.quantised == part.plain)
    #expect(part.plain != Array(found.plain[0..<2 * dtype.blockElements]))
  }

  @Test(arguments: DType.quantised) func arithmeticAndOutputs(_ dtype: DType) throws {
    let shape: Shape = [3, dtype.blockElements]
    let found = try evaluate(shape, dtype, .pattern(shape)) { x, w in x + w }
    #expect(found.quantised == found.plain)
  }

  @Test func sizesOfBlocks() {
    #expect(DType.quantised.count == 12)
    #expect(DType.q4_k.byteCount(elements: 512) == 288)
    #expect(DType.q4_k.byteCount(elements: 500) == nil)
    #expect(DType.q8_0.byteOffset(of: 95) == 68)
    // The C kernels mirror the raw values.
    #expect(DType.i8.rawValue == 9)
    #expect(DType.q8_0.rawValue == 10)
    #expect(DType.iq4_xs.rawValue == 21)
  }

  @Test func viewsThatCutBlocksAreRefused() throws {
    let backend = Reference()
    let bindings = Bindings(weights: [BufferSlice(try backend.allocate(34 * 8))], arena: BufferSlice(try backend.allocate(0)))
    func check(_ view: View) throws { try Plan(steps: [], views: [view], arenaBytes: 0).validate(bindings) }
    try check(View(contiguous: [4, 64], .q8_0, at: .weight(0)))
    try check(View(place: .weight(0), offset: 32, shape: [3, 32], strides: [64, 1, 0, 0, 0, 0, 0, 0], dtype: .q8_0))
    for view in [
      View(contiguous: [9, 32], .q8_0, at: .weight(0)), View(contiguous: [4, 33], .q8_0, at: .weight(0)),
      View(place: .weight(0), offset: 1, shape: [32], strides: [1, 0, 0, 0, 0, 0, 0, 0], dtype: .q8_0),
      View(place: .weight(0), offset: 0, shape: [2, 32], strides: [33, 1, 0, 0, 0, 0, 0, 0], dtype: .q8_0),
      View(place: .weight(0), offset: 0, shape: [32, 2], strides: [1, 32, 0, 0, 0, 0, 0, 0], dtype: .q8_0),
    ] {
      #expect(throws: AviaryError.self) { try check(view) }
    }
  }
}

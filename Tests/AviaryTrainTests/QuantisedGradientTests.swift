import AviaryTensor
import AviaryTrain
import BackendCPU
import TensorTestSupport
import Testing

/// Derivatives through quantised weights, which stay as they are: those through the same numbers as floats.
struct QuantisedGradientTests {
  /// The derivative of a product's input, for a weight of `outs` rows.
  private static func gradient(_ weight: [UInt8], _ dtype: DType, _ outs: Int, _ ins: Int, on backend: any Backend) throws -> [Double] {
    let table = Weight(slot: 0, shape: [outs, ins], dtype: dtype)
    let graph = Graph(weights: WeightShapes([table]))
    let x = graph.input(0, [2, 3, ins], .f32)
    let y = x.matmul(graph.use(table))
    let gradient = Gradients.append(of: [(y, graph.input(1, y.shape, .f32))], by: [x])
    graph.output(try #require(gradient[0]))
    let inputs = [Given.pattern(x.shape), Given.pattern(y.shape, 5)].map { bytes($0.values, .f32) }
    return try run(graph, Values(weights: [weight], inputs: inputs), on: backend).outputs[0]
  }

  private static func expectEqual(_ dtype: DType, _ outs: Int, _ ins: Int, on backend: any Backend) throws {
    var random = SeededGenerator(3)
    let blocks = randomBlocks(outs * ins, dtype, using: &random)
    var floats = [Float](repeating: 0, count: outs * ins)
    blocks.withUnsafeBytes { bytes in floats.withUnsafeMutableBufferPointer { Dequantise.blocks(dtype, bytes, into: $0) } }
    let found = try gradient(blocks, dtype, outs, ins, on: backend)
    let wanted = try gradient(bytes(floats.map(Double.init), .f32), .f32, outs, ins, on: backend)
    let size = wanted.reduce(0) { max($0, abs($1)) }
    let worst = zip(found, wanted).reduce(0) { max($0, abs($1.0 - $1.1)) }
    #expect(found.count == wanted.count && size > 0.01 && worst < 1e-5 * size, "\(dtype): \(worst) of \(size)")
  }

  @Test(arguments: DType.quantised) func everyType(_ dtype: DType) throws {
    try Self.expectEqual(dtype, 5, 2 * dtype.blockElements, on: Reference())
    let cpu = try CPUBackend(BackendOptions())
    if cpu.capabilities.weightTypes.contains(dtype) { try Self.expectEqual(dtype, 5, 2 * dtype.blockElements, on: cpu) }
  }

  /// More numbers than are dequantised at once, in pieces that do not come out even.
  @Test(arguments: [DType.q8_0, .q4_0]) func aWeightInPieces(_ dtype: DType) throws {
    try Self.expectEqual(dtype, 150, 1 << 14, on: CPUBackend(BackendOptions()))
  }
}

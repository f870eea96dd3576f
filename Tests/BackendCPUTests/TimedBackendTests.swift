import AviaryTensor
import BackendCPU
import TensorTestSupport
import Testing

@Suite struct TimedBackendTests {
  /// Step by step gives what the whole plan gives, and each step is counted with its operations.
  @Test func countsSteps() throws {
    let backend = TimedBackend(try CPUBackend(BackendOptions()))
    let graph = DecoderStep.graph(tokens: 1, seen: 1), values = DecoderStep.values(tokens: 1, start: 0)
    let whole = try run(graph, values, on: backend)
    var stepwise = whole
    let families = try backend.times { () throws(AviaryError) in stepwise = try run(graph, values, on: backend) }
    #expect(stepwise.outputs == whole.outputs)
    #expect(families.reduce(0) { $0 + $1.1.steps } == Lowering.lower(graph, for: backend.capabilities).steps.count)
    let products = try #require(families.first { $0.name == "linear bf16, one row" }).1
    let (h, f, kv, v) = (DecoderStep.hidden, DecoderStep.feed, DecoderStep.kvHeads * DecoderStep.head, DecoderStep.vocabulary)
    #expect(products.steps == 15)
    #expect(products.operations == Double(2 * (2 * (2 * h * h + 2 * h * kv + 3 * h * f) + h * v)))
    #expect(families.contains { $0.name == "attention, one row" } && families.contains { $0.name == "rope" })
  }

  @Test func timesNothingUnlessAsked() throws {
    let backend = TimedBackend(Reference())
    let found = try evaluate([Given.pattern([3])], on: backend) { x, _ in x[0] + 1 }
    #expect(found == Given.pattern([3]).values.map { $0 + 1 })
    #expect(try backend.times { () throws(AviaryError) in }.isEmpty)
    #expect(throws: AviaryError.self) { try TimedBackend(BackendOptions()) }
  }
}

import AviaryTensor
import BackendCPU
import CAllocationCount
import Foundation
import TensorTestSupport
import Synchronization
import Testing

private final class Moment: Sendable { let time = Mutex(ContinuousClock.now) }

@Suite struct RunTests {
  struct Machine: Sendable, CustomTestStringConvertible {
    let isa: String, threads: Int
    var testDescription: String { "\(isa), \(threads) threads" }

    func backend(_ change: (inout BackendOptions) -> Void = { _ in }) throws(AviaryError) -> CPUBackend {
      var options = BackendOptions()
      options.threads = threads
      options.extra = ["isa": isa]
      change(&options)
      return try CPUBackend(options)
    }
  }

  static let machines = ["scalar", "avx2", "avx512"].flatMap { isa in [1, 3].map { Machine(isa: isa, threads: $0) } }

  /// Prefill and decode agree with the reference, fused and unfused.
  @Test(arguments: machines, [1, 7, 20]) func decoderStep(_ machine: Machine, _ tokens: Int) throws {
    let backend = try machine.backend()
    let graph = DecoderStep.graph(tokens: tokens, seen: tokens), values = DecoderStep.values(tokens: tokens, start: 0)
    let wanted = try run(graph, values)
    let found = try run(graph, values, on: backend)
    #expect(areClose(found.outputs[0], wanted.outputs[0], absolute: 2e-4, relative: 1e-3))
    #expect(found.outputs[1] == wanted.outputs[1])
    #expect(areClose(found.outputs[2], wanted.outputs[2], absolute: 1e-5))
    for (state, reference) in zip(found.states, wanted.states) {
      #expect(areClose(doubles(state, .bf16), doubles(reference, .bf16), absolute: 1e-3, relative: 1e-2))
    }
  }

  /// A step that has been run before takes nothing from the heap.
  @Test(.enabled(if: allocation_count_works()), arguments: [1, 16]) func noAllocation(_ tokens: Int) throws {
    let backend = try Machine(isa: "avx512", threads: 2).backend()
    let graph = DecoderStep.graph(tokens: tokens, seen: tokens), values = DecoderStep.values(tokens: tokens, start: 0)
    #expect(try allocations(graph, values, on: backend) == 0)

    allocation_count_begin()
    let control = [Int](repeating: tokens, count: 10)
    #expect(allocation_count_end() > 0 && control.count == 10)
  }

  /// Nor does a product with a quantised weight, whose activations are rounded on the way.
  @Test(.enabled(if: allocation_count_works()), arguments: [DType.q8_0, .q4_0, .q4_k, .q6_k], [1, 16])
  func noAllocationQuantised(_ dtype: DType, _ tokens: Int) throws {
    var random = SeededGenerator(3)
    let weight = Weight(slot: 0, shape: [80, 512], dtype: dtype)
    let graph = Graph(weights: WeightShapes([weight]))
    graph.output(graph.input(0, [tokens, 512], .f32).matmul(graph.use(weight)))
    let values = Values(
      weights: [randomBlocks(weight.shape.elements, dtype, using: &random)], inputs: [bytes((0..<tokens * 512).map { Double($0 % 13) - 6 }, .f32)])
    #expect(try allocations(graph, values, on: try Machine(isa: "avx512", threads: 2).backend()) == 0)
  }

  /// What the second run of a graph allocates.
  private func allocations(_ graph: Graph, _ values: Values, on backend: CPUBackend) throws -> Int {
    let plan = Lowering.lower(graph, for: backend.capabilities)
    var inputs: [UnsafeRawBufferPointer] = []
    for bytes in values.inputs {
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 64)
      copy.copyBytes(from: bytes)
      inputs.append(UnsafeRawBufferPointer(copy))
    }
    defer { for input in inputs { input.deallocate() } }
    func upload(_ bytes: [UInt8]) throws -> BufferSlice {
      let slice = BufferSlice(try backend.allocate(bytes.count))
      try bytes.withUnsafeBytes { try backend.upload($0, to: slice) }
      return slice
    }
    let bindings = Bindings(
      weights: try values.weights.map(upload), states: try values.states.map(upload), inputs: inputs, arena: BufferSlice(try backend.allocate(plan.arenaBytes)))
    let flag = CancellationFlag()
    try backend.execute(plan, bindings, flag)

    allocation_count_begin()
    let result = Result { try backend.execute(plan, bindings, flag) }
    let count = allocation_count_end()
    try result.get()
    return Int(count)
  }

  /// A cancelled run ends soon, inside a long product too, and the backend goes on working.
  @Test(arguments: [1, 2]) func cancelling(_ threads: Int) throws {
    let backend = try Machine(isa: "avx512", threads: threads).backend()
    let graph = Graph()
    let x = graph.input(0, [4096, 4096], .f32)
    var y = x
    for _ in 0..<10 { y = y.matmul(x) }
    graph.output(y)
    let plan = Lowering.lower(graph, for: backend.capabilities)
    let zeros = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096 * 4096 * 4, alignment: 64)
    zeros.initializeMemory(as: UInt8.self, repeating: 0)
    defer { zeros.deallocate() }
    let bindings = Bindings(weights: [], inputs: [UnsafeRawBufferPointer(zeros)], arena: BufferSlice(try backend.allocate(plan.arenaBytes)))
    let flag = CancellationFlag()
    let when = Moment()
    Thread.detachNewThread {
      usleep(100_000)
      flag.cancel()
      when.time.withLock { $0 = .now }
    }
    let error = #expect(throws: AviaryError.self) { try backend.execute(plan, bindings, flag) }
    #expect(error?.kind == .cancelled)
    // 200 ms are promised; ten times that on a machine that does other things as well.
    #expect(when.time.withLock { $0 }.duration(to: .now) < .seconds(2))

    let small = try evaluate([Given.pattern([3, 5])], on: backend) { x, _ in x[0] + 1 }
    #expect(small == Given.pattern([3, 5]).values.map { $0 + 1 })
  }

  @Test func rowIDsOutsideTheTable() throws {
    let backend = try CPUBackend(BackendOptions())
    let error = #expect(throws: AviaryError.self) {
      try evaluate([Given([4], [0, 1, 9, 0], .i32)], weights: [.pattern([5, 3])], on: backend) { x, w in w[0].gatherRows(x[0]) }
    }
    #expect(error?.kind == .request)
    #expect(error?.found == "row id 9")
  }

  @Test func wrongOptions() {
    func error(_ change: (inout BackendOptions) -> Void) -> AviaryError? {
      var options = BackendOptions()
      change(&options)
      do { _ = try CPUBackend(options) } catch { return error }
      return nil
    }
    #expect(error { $0.threads = 0 }?.place == "threads")
    #expect(error { $0.device = "gpu" }?.place == "device")
    #expect(error { $0.extra["isa"] = "sse9" }?.kind == .config)
    #expect(error { $0.threads = 2 } == nil)
  }
}

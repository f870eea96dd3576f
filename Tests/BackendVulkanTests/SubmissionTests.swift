import AviaryTensor
import TensorTestSupport
import Testing

@testable import BackendVulkan

/// How a plan becomes command buffers.
struct SubmissionTests {
  @Test func aSmallPlanIsOneSubmissionAndIsRecordedOnce() throws {
    let machine = try Rig.machine()
    let backend = VulkanBackend(machine)
    let (graph, values) = Rig.products()
    let plan = Lowering.lower(graph, for: backend.capabilities)
    let weights = BufferSlice(try backend.allocate(values.weights[0].count))
    let arena = BufferSlice(try backend.allocate(plan.arenaBytes))
    try values.inputs[0].withUnsafeBytes { raw in
      let bindings = Bindings(weights: [weights], inputs: [raw], arena: arena)
      try backend.execute(plan, bindings, CancellationFlag())
      let before = backend.submissions
      for _ in 0..<3 { try backend.execute(plan, bindings, CancellationFlag()) }
      #expect(backend.submissions == before + 3)
    }
  }

  private func dispatch(_ buffer: VulkanBuffer, reads: [Range<Int>], writes: Range<Int>) -> Dispatch {
    func bound(_ bytes: Range<Int>) -> Bound { Bound(buffer: buffer, offset: 0, range: 4096, first: 0, touched: bytes) }
    return Dispatch(key: PipelineKey(shader: "", constants: []), operands: reads.map { bound($0) }, texels: [], output: bound(writes), parameters: [], groups: 1, work: 1)
  }

  @Test func barriersStandWhereOneDispatchNeedsAnother() throws {
    let buffer = try VulkanBuffer(try Rig.machine().device, 4096, .own)
    var hazards = Hazards()
    func waits(_ reads: [Range<Int>], _ writes: Range<Int>) -> Bool { hazards.mustWait(dispatch(buffer, reads: reads, writes: writes)) }
    #expect(!waits([0..<64], 64..<128))
    // Beside it: nothing in common.
    #expect(!waits([0..<64], 128..<192))
    // Reads what was written.
    #expect(waits([64..<128], 192..<256))
    // All before is over.
    #expect(!waits([128..<192], 256..<320))
    // Writes over what is being read, and over what is being written.
    #expect(waits([], 128..<129))
    #expect(waits([], 100..<200))
  }
}

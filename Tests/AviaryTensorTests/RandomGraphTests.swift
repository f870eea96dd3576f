import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct RandomGraphTests {
  /// The reference rounds where the unfused graph does, so the numbers must be equal to the last bit.
  @Test(arguments: 0..<300) func fusedEqualsUnfused(_ seed: Int) throws {
    let random = RandomGraph(seed: UInt64(seed))
    let fused = try run(random.graph, random.values)
    let unfused = try run(random.graph, random.values, Lowering.Options(fuse: false))
    #expect(fused.outputs == unfused.outputs)
    #expect(fused.states == unfused.states)
    #expect(fused.outputs.joined().allSatisfy { $0.isFinite })
  }

  /// Without folding, sharing or fusing: every node's value by itself, in the order of recording.
  @Test(arguments: 0..<150) func loweredEqualsEager(_ seed: Int) throws {
    let random = RandomGraph(seed: UInt64(seed))
    let lowered = try run(random.graph, random.values)
    let eager = try Eager(random.graph, random.values).outputs()
    #expect(lowered.outputs == eager)
  }

  /// Graphs as deep as these would not show a defect if fusions never matched.
  @Test func fusionsOccur() {
    let ops = (0..<50).flatMap { seed in Lowering.lower(RandomGraph(seed: UInt64(seed)).graph, for: Reference().capabilities).steps.map(\.op) }
    func has(_ test: (FusedLinear) -> Bool) -> Bool { ops.contains { if case .linear(let spec) = $0 { test(spec) } else { false } } }
    #expect(ops.contains(.swiglu))
    #expect(has { $0 == FusedLinear() })
    #expect(has { $0.hasBias && $0.activation != nil && $0.hasResidual })
    #expect(ops.contains(.scatterRows))
  }
}

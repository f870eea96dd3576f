import AviaryTensor
import BackendCPU
import Synchronization
import TensorTestSupport
import Testing

@testable import BackendVulkan

/// Steps that a device cannot run, on the processor.
struct SplitTests {
  private final class Reports: Sendable {
    let all = Mutex<[SplitBackend.Split]>([])
  }

  /// A pool whose operands no binding of 4 KiB holds, between steps that go in parts.
  private static func graph() -> (Graph, Values) {
    let graph = Graph()
    let x = graph.within(ModulePath("stem")) { (graph.input(0, [1, 1, 64, 64], .f32) * 0.5).pool2d(Pool2D(.max, kernel: 2, stride: 2)) }
    graph.output(x.unary(.silu))
    graph.output((x + 1).reshaped(32, 32).reduce(.sum))
    return (graph, Values(inputs: [bytes(Given.pattern([1, 1, 64, 64]).values)]))
  }

  @Test func whatADeviceCannotRunRunsOnTheProcessorAndIsReported() throws {
    let machine = try Rig.machine { $0.largestBinding = 4096 }
    let reports = Reports()
    let split = SplitBackend(VulkanBackend(machine), helper: try CPUBackend(BackendOptions())) { found in reports.all.withLock { $0.append(found) } }
    let (graph, values) = Self.graph()
    let plan = Lowering.lower(graph, for: split.capabilities)
    let wanted = try run(plan, values, on: Reference())
    // Twice: a plan is divided once.
    for _ in 0..<2 {
      let found = try run(plan, values, on: split)
      #expect(zip(found.outputs, wanted.outputs).allSatisfy { areClose($0, $1) })
    }
    let all = reports.all.withLock { $0 }
    #expect(all.count == 1)
    #expect(all.first?.helped == 1)
    #expect(all.first?.steps == plan.steps.count)
    let text = all.first?.text(helper: "cpu") ?? ""
    #expect(text.hasPrefix("1 of \(plan.steps.count) steps run on cpu: pool2d"))
    #expect(text.contains("stem") && text.contains("4096"))
    // Every step for itself, as a check runs it.
    try runChecked(graph, values, on: split)
  }

  @Test func withoutItTheErrorNamesTheOperationAndItsModule() throws {
    let machine = try Rig.machine { $0.largestBinding = 4096 }
    let (graph, values) = Self.graph()
    let error = #expect(throws: AviaryError.self) { try run(graph, values, on: VulkanBackend(machine)) }
    #expect(error?.description.contains("pool2d") == true)
    #expect(error?.description.contains("stem") == true)
  }

  /// Numbers that no kernel of the device takes, and a state that a step writes to.
  @Test func typesThatADeviceLacksRunOnTheProcessor() throws {
    let graph = Graph()
    let wide = graph.input(0, [3], .i64).cast(.f32)
    let state = graph.state(0, [4, 3], .i64).scatterRows(graph.input(0, [3], .i64).reshaped(1, 3), at: graph.iota(1, start: 2))
    graph.output(wide * 2)
    graph.output(state.cast(.f32) + 1)
    let values = Values(states: [bytes([Double](repeating: 5, count: 12), .i64)], inputs: [bytes([1, -2, 3], .i64)])
    let backend = VulkanBackend(try Rig.machine())
    #expect(throws: AviaryError.self) { try run(graph, values, on: backend) }
    let reports = Reports()
    let split = SplitBackend(backend, helper: Reference()) { found in reports.all.withLock { $0.append(found) } }
    let (found, wanted) = (try run(graph, values, on: split), try run(graph, values))
    #expect(found.outputs == wanted.outputs)
    #expect(found.states == wanted.states)
    #expect(reports.all.withLock { $0.first?.helped ?? 0 } == 3)
  }

  @Test func aPlanThatTheDeviceRunsIsNotReported() throws {
    let split = SplitBackend(VulkanBackend(try Rig.machine()), helper: Reference()) { _ in Issue.record("nothing was to be said") }
    let (graph, values) = Rig.products()
    let found = try run(graph, values, on: split).outputs
    #expect(zip(found, try run(graph, values).outputs).allSatisfy { areClose($0, $1, absolute: 1e-3, relative: 1e-3) })
  }
}

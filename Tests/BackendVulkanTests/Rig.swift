import AviaryTensor
import CAviaryVulkan
import TensorTestSupport
import Testing

@testable import BackendVulkan

/// Machines for tests: with lower limits than the device's own, or with functions of the driver that fail on demand.
enum Rig {
  static func info() throws(AviaryError) -> DeviceInfo { try Instance.open(validated: false).devices().chosen(nil) }

  /// A machine of its own, not shared with other tests, that keeps no files.
  static func machine(_ change: (inout DeviceOptions) -> Void = { _ in }, functions: av_vk? = nil, cacheFolder: String? = nil) throws(AviaryError) -> Machine {
    var options = DeviceOptions()
    change(&options)
    return Machine(try Device(try Instance.open(validated: false), try info(), options, functions: functions), cacheFolder: cacheFolder)
  }

  /// A graph of a few products, large enough for several dispatches, and its values.
  static func products(_ rows: Int = 20, width: Int = 64, depth: Int = 3) -> (Graph, Values) {
    let weight = Weight(slot: 0, shape: [width, width], dtype: .f16)
    let graph = Graph(weights: WeightShapes([weight]))
    var x = graph.input(0, [rows, width], .f32)
    for _ in 0..<depth { x = x + x.matmul(graph.use(weight)).unary(.gelu) * 0.1 }
    graph.output(x)
    let given = Given.pattern([rows, width])
    let matrix = Given.pattern([width, width], 5)
    return (graph, Values(weights: [bytes(matrix.values.map { $0 / 8 }, .f16)], inputs: [bytes(given.values)]))
  }

  /// Whether a machine computes what the reference does.
  static func agrees(_ machine: Machine, _ graph: Graph, _ values: Values) throws -> Bool {
    let found = try run(graph, values, on: VulkanBackend(machine)).outputs
    let wanted = try run(graph, values, on: Reference()).outputs
    return found.count == wanted.count && zip(found, wanted).allSatisfy { areClose($0, $1, absolute: 1e-3, relative: 1e-3) }
  }
}

/// Functions of the driver that fail when they are told to. One at a time: the suites that use it are serialised.
enum Faults {
  nonisolated(unsafe) static var real = av_vk()
  nonisolated(unsafe) static var allocation = VK_SUCCESS
  nonisolated(unsafe) static var submission = VK_SUCCESS
  nonisolated(unsafe) static var submissions = 0
  /// Set at that submission.
  nonisolated(unsafe) static var cancelAt: (Int, CancellationFlag)?

  static func functions() throws(AviaryError) -> av_vk {
    real = try Instance.open(validated: false).vk
    (allocation, submission, submissions, cancelAt) = (VK_SUCCESS, VK_SUCCESS, 0, nil)
    var faulty = real
    faulty.vkAllocateMemory = { device, info, callbacks, memory in
      Faults.allocation == VK_SUCCESS ? Faults.real.vkAllocateMemory(device, info, callbacks, memory) : Faults.allocation
    }
    faulty.vkQueueSubmit = { queue, count, infos, fence in
      Faults.submissions += 1
      if let (at, flag) = Faults.cancelAt, Faults.submissions == at { flag.cancel() }
      return Faults.submission == VK_SUCCESS ? Faults.real.vkQueueSubmit(queue, count, infos, fence) : Faults.submission
    }
    return faulty
  }
}

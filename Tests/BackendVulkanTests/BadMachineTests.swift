import AviaryTensor
import CAviaryVulkan
import TensorTestSupport
import Testing

@testable import BackendVulkan

/// Machines without Vulkan, with too little of it, or whose driver fails at work.
@Suite(.serialized) struct BadMachineTests {
  @Test func noLoaderIsAnErrorInWords() {
    let error = #expect(throws: AviaryError.self) { _ = try Instance(loader: "libno-vulkan-here.so.1") }
    #expect(error?.kind == .device)
    #expect(error?.description.contains("libno-vulkan-here.so.1") == true)
  }

  @Test func noDeviceIsAnErrorInWords() {
    let error = #expect(throws: AviaryError.self) { _ = try [DeviceInfo]().chosen(nil) }
    #expect(error?.kind == .device)
    #expect(error?.description.contains("finds no device") == true)
  }

  @Test(arguments: ["99", "no such card", "00000000000000000000000000000000"]) func aDeviceThatIsNotThereListsThoseThatAre(_ word: String) throws {
    let devices = try Instance.open(validated: false).devices()
    let error = #expect(throws: AviaryError.self) { _ = try devices.chosen(word) }
    #expect(error?.kind == .config)
    for device in devices { #expect(error?.description.contains(device.name) == true) }
  }

  @Test func aDeviceIsFoundByIndexNameAndUUID() throws {
    let devices = try Instance.open(validated: false).devices()
    let first = try #require(devices.first)
    for word in ["0", String(first.name.prefix(6)), first.uuid] { #expect(try devices.chosen(word).index == 0) }
  }

  /// On a machine without a GPU the processor is used, and called what it is.
  @Test func aProcessorIsNotCalledAGPU() throws {
    let info = try Rig.info()
    guard info.isProcessor else { return }
    #expect(VulkanBackend(try Rig.machine()).capabilities.deviceName.contains("a processor and no GPU"))
  }

  @Test func anOldDriverIsRefused() throws {
    var info = try Rig.info()
    info.apiVersion = 1 << 22 | 1 << 12
    let error = #expect(throws: AviaryError.self) { _ = try Device(try Instance.open(validated: false), info, DeviceOptions()) }
    #expect(error?.description.contains("1.2 is needed") == true)
  }

  @Test func tooLargeABufferIsRefusedWithTheFigures() throws {
    let backend = VulkanBackend(try Rig.machine { $0.memory = 1 << 20 })
    let kept = try backend.allocate(1 << 19)
    let error = #expect(throws: AviaryError.self) { _ = try backend.allocate(1 << 20) }
    #expect(kept.byteCount == 1 << 19)
    #expect(error?.kind == .memory)
    #expect(error?.description.contains("1048576") == true)
  }

  @Test func memoryThatEndsDuringAStepLeavesTheDeviceUsable() throws {
    let machine = try Rig.machine(functions: try Faults.functions())
    let backend = VulkanBackend(machine)
    let (graph, values) = Rig.products()
    let plan = Lowering.lower(graph, for: backend.capabilities)
    let arena = BufferSlice(try backend.allocate(plan.arenaBytes))
    let weights = BufferSlice(try backend.allocate(values.weights[0].count))
    try values.inputs[0].withUnsafeBytes { raw in
      let bindings = Bindings(weights: [weights], inputs: [raw], arena: arena)
      Faults.allocation = VK_ERROR_OUT_OF_DEVICE_MEMORY
      let error = #expect(throws: AviaryError.self) { try backend.execute(plan, bindings, CancellationFlag()) }
      #expect(error?.kind == .memory)
      Faults.allocation = VK_SUCCESS
      try backend.execute(plan, bindings, CancellationFlag())
    }
    #expect(try Rig.agrees(machine, graph, values))
  }

  @Test func aLostDeviceSaysSoAndIsOpenedAnew() throws {
    let machine = try Rig.machine(functions: try Faults.functions())
    let (graph, values) = Rig.products()
    #expect(try Rig.agrees(machine, graph, values))
    Faults.submission = VK_ERROR_DEVICE_LOST
    let error = #expect(throws: AviaryError.self) { try run(graph, values, on: VulkanBackend(machine)) }
    #expect(error?.kind == .device)
    #expect(error?.description.contains("lost") == true)
    Faults.submission = VK_SUCCESS
    // What was on it is gone, so that it does not simply go on.
    #expect(throws: AviaryError.self) { try run(graph, values, on: VulkanBackend(machine)) }

    // Whoever opens the device next gets one that works.
    let instance = try Instance.open(validated: false)
    var options = DeviceOptions()
    options.copiesWeights = true
    let shared = try Machine.open(instance, try Rig.info(), options)
    #expect(try Machine.open(instance, try Rig.info(), options) === shared)
    #expect(throws: AviaryError.self) { try shared.device.checked(VK_ERROR_DEVICE_LOST, "test") }
    let anew = try Machine.open(instance, try Rig.info(), options)
    #expect(anew !== shared)
    #expect(try Rig.agrees(anew, graph, values))
  }

  @Test func cancellingEndsARunBetweenSubmissions() throws {
    let machine = try Rig.machine({ $0.pieceSeconds = 1e-9 }, functions: try Faults.functions())
    let (graph, values) = Rig.products(64, depth: 6)
    _ = try run(graph, values, on: VulkanBackend(machine))
    let whole = Faults.submissions
    #expect(whole > 6)
    let flag = CancellationFlag()
    (Faults.submissions, Faults.cancelAt) = (0, (3, flag))
    let backend = VulkanBackend(machine)
    let plan = Lowering.lower(graph, for: backend.capabilities)
    let weights = BufferSlice(try backend.allocate(values.weights[0].count))
    let arena = BufferSlice(try backend.allocate(plan.arenaBytes))
    values.inputs[0].withUnsafeBytes { raw in
      let bindings = Bindings(weights: [weights], inputs: [raw], arena: arena)
      let error = #expect(throws: AviaryError.self) { try backend.execute(plan, bindings, flag) }
      #expect(error?.kind == .cancelled)
    }
    #expect(Faults.submissions < whole)
    #expect(try Rig.agrees(machine, graph, values))
  }

  /// Two devices of one driver, each on a thread of its own, do not disturb each other.
  @Test func twoUsersOfOneDeviceDoNotMeet() async throws {
    await withTaskGroup(of: Bool.self) { group in
      for rows in [20, 33] {
        group.addTask {
          let (graph, values) = Rig.products(rows)
          guard let machine = try? Rig.machine() else { return false }
          return (0..<5).allSatisfy { _ in (try? Rig.agrees(machine, graph, values)) == true }
        }
      }
      for await isRight in group { #expect(isRight) }
    }
  }

  @Test func aNumberThatIsNoneIsNamedByItsModule() throws {
    let graph = Graph()
    _ = graph.within(ModulePath("tower.layers.3")) { graph.output(graph.input(0, [3], .f32).unary(.log)) }
    let error = #expect(throws: AviaryError.self) {
      try runChecked(graph, Values(inputs: [bytes([1, -1, 2])]), on: VulkanBackend(try Rig.machine()))
    }
    #expect(error?.kind == .numeric)
    #expect(error?.description.contains("tower.layers.3") == true)
  }
}

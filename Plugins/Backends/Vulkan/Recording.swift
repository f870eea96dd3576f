import AviaryTensor
import CAviaryVulkan
import Synchronization

/// A plan as command buffers for certain buffers: recorded once, submitted at every step that binds the same.
final class Recording {
  let plan: Plan
  /// The buffers by their ids and offsets, and the sizes of the inputs.
  let identity: [Int]
  private let device: Device
  private let inputs: VulkanBuffer
  private let inputOffsets: [Int]
  private let parameters: VulkanBuffer
  /// What its dispatches write and read between them.
  private let scratches: [VulkanBuffer]
  private var pool: VkDescriptorPool?
  private var views: [VkBufferView] = []
  private var pieces: [Piece] = []

  /// One submission, with the time that it is likely to take, in total and by shader.
  private struct Piece {
    let commands: VkCommandBuffer
    let fence: VkFence
    private(set) var seconds = 0.0
    private(set) var shares: [String: (seconds: Double, work: Double)] = [:]

    init(commands: VkCommandBuffer, fence: VkFence) { (self.commands, self.fence) = (commands, fence) }

    mutating func add(_ shader: String, _ seconds: Double, _ work: Double) {
      self.seconds += seconds
      let share = shares[shader, default: (0, 0)]
      shares[shader] = (share.seconds + seconds, share.work + work)
    }

    /// The shader that takes most of the time, where one does, its work, and its part of the time.
    var dominant: (shader: String, work: Double, part: Double)? {
      shares.first { $0.value.seconds > 0.8 * seconds }.map { ($0.key, $0.value.work, $0.value.seconds / seconds) }
    }
  }

  /// Work of one submission in seconds: a processor's driver cannot be interrupted inside one, and a desktop's watchdog
  /// must never see a long one.
  private static let seconds = (processor: 0.1, gpu: 0.02)

  init(_ device: Device, _ pipelines: Pipelines, _ plan: Plan, _ bindings: Bindings) throws(AviaryError) {
    (self.device, self.plan) = (device, plan)
    identity = Recording.identify(bindings)
    (inputs, inputOffsets) = try Recording.inputs(device, bindings)
    var recorder = Recorder(device, plan, bindings, inputs: inputs, inputOffsets: inputOffsets)
    try recorder.record()
    let dispatches = recorder.dispatches
    scratches = recorder.scratches

    var words: [UInt32] = []
    var starts: [UInt32] = []
    for dispatch in dispatches {
      starts.append(UInt32(words.count))
      words += dispatch.parameters
    }
    parameters = try VulkanBuffer(device, max(words.count, 4) * 4, .host)
    guard let target = parameters.mapped, inputs.mapped != nil else { throw AviaryError(.device, "parameters have no address on the host", at: "vulkan") }
    words.withUnsafeBytes { if let source = $0.baseAddress { target.copyMemory(from: source, byteCount: $0.count) } }
    let made = try pipelines.pipelines(Set(dispatches.map(\.key)))
    let sets = try makeSets(dispatches)
    try record(dispatches, starts, sets, made)
  }

  /// A buffer for the flags and behind them all inputs, and where each input is.
  private static func inputs(_ device: Device, _ bindings: Bindings) throws(AviaryError) -> (VulkanBuffer, [Int]) {
    var offset = device.offsetAlignment
    var offsets: [Int] = []
    for input in bindings.inputs {
      offsets.append(offset)
      offset += (input.count + device.offsetAlignment - 1) / device.offsetAlignment * device.offsetAlignment
    }
    return (try VulkanBuffer(device, offset + 64, .host), offsets)
  }

  /// Steps that cannot be recorded for these buffers, and why.
  static func refusals(_ device: Device, _ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [(step: Int, reason: String)] {
    let (inputs, offsets) = try inputs(device, bindings)
    var recorder = Recorder(device, plan, bindings, inputs: inputs, inputOffsets: offsets)
    var found: [(step: Int, reason: String)] = []
    for (index, step) in plan.steps.enumerated() {
      if let reason = try recorder.refusal(of: step) { found.append((index, reason)) }
    }
    return found
  }

  deinit {
    for piece in pieces {
      device.free(piece.commands)
      device.vk.vkDestroyFence(device.handle, piece.fence, nil)
    }
    for view in views { device.vk.vkDestroyBufferView(device.handle, view, nil) }
    if let pool { device.vk.vkDestroyDescriptorPool(device.handle, pool, nil) }
  }

  /// What two bindings have in common where one's recording can run for the other.
  static func identify(_ bindings: Bindings) -> [Int] {
    var identity: [Int] = []
    identity.reserveCapacity(2 * (bindings.weights.count + bindings.states.count + 1) + bindings.inputs.count)
    for slices in [bindings.weights, bindings.states, [bindings.arena]] {
      for slice in slices {
        // A buffer of this backend has a number that is never used again; another's is refused while recording.
        identity.append((slice.buffer as? VulkanBuffer)?.id ?? (slice.buffer as? AdoptedPages)?.id ?? 0)
        identity.append(slice.offset)
      }
    }
    for input in bindings.inputs { identity.append(input.count) }
    return identity
  }

  // MARK: Recording

  private func makeSets(_ dispatches: [Dispatch]) throws(AviaryError) -> [VkDescriptorSet] {
    if dispatches.isEmpty { return [] }
    var scratch = Scratch()
    let sizes = [(VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, Device.bindings), (VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER, Device.texelBindings)].map {
      VkDescriptorPoolSize(type: $0.0, descriptorCount: UInt32(dispatches.count * $0.1))
    }
    var poolInfo = VkDescriptorPoolCreateInfo()
    poolInfo.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO
    poolInfo.maxSets = UInt32(dispatches.count)
    poolInfo.poolSizeCount = UInt32(sizes.count)
    poolInfo.pPoolSizes = UnsafePointer(scratch.array(sizes))
    let pool = try create("vkCreateDescriptorPool") { device.vk.vkCreateDescriptorPool(device.handle, &poolInfo, nil, &$0) }
    self.pool = pool
    var info = VkDescriptorSetAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO
    info.descriptorPool = pool
    info.descriptorSetCount = UInt32(dispatches.count)
    info.pSetLayouts = UnsafePointer(scratch.array([VkDescriptorSetLayout?](repeating: device.setLayout, count: dispatches.count)))
    var handles = [VkDescriptorSet?](repeating: nil, count: dispatches.count)
    try check(device.vk.vkAllocateDescriptorSets(device.handle, &info, &handles), "vkAllocateDescriptorSets")
    let sets = handles.compactMap { $0 }

    let flags = VkDescriptorBufferInfo(buffer: inputs.handle, offset: 0, range: 16)
    let words = VkDescriptorBufferInfo(buffer: parameters.handle, offset: 0, range: UInt64(max(parameters.byteCount, 16)))
    func described(_ bound: Bound?) -> VkDescriptorBufferInfo {
      // A binding that a kernel does not use must still be something, and something that no kernel writes.
      guard let bound else { return words }
      return VkDescriptorBufferInfo(buffer: bound.buffer.handle, offset: UInt64(bound.offset), range: UInt64(bound.range))
    }
    var infos: [VkDescriptorBufferInfo] = []
    for dispatch in dispatches {
      for slot in 0..<5 { infos.append(described(slot < dispatch.operands.count ? dispatch.operands[slot] : nil)) }
      infos += [described(dispatch.output), flags, words]
    }
    let list = UnsafePointer(scratch.array(infos))
    var writes: [VkWriteDescriptorSet] = []
    for (index, set) in sets.enumerated() {
      var write = VkWriteDescriptorSet()
      write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET
      write.dstSet = set
      write.descriptorCount = UInt32(Device.bindings)
      write.descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER
      write.pBufferInfo = list + index * Device.bindings
      writes.append(write)
      for (slot, texels) in dispatches[index].texels.enumerated() {
        var write = VkWriteDescriptorSet()
        write.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET
        write.dstSet = set
        write.dstBinding = UInt32(Device.bindings + slot)
        write.descriptorCount = 1
        write.descriptorType = VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
        write.pTexelBufferView = UnsafePointer(scratch.one(Optional(try view(texels))))
        writes.append(write)
      }
    }
    device.vk.vkUpdateDescriptorSets(device.handle, UInt32(writes.count), writes, 0, nil)
    return sets
  }

  private func view(_ texels: Texels) throws(AviaryError) -> VkBufferView {
    var info = VkBufferViewCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_BUFFER_VIEW_CREATE_INFO
    info.buffer = texels.bound.buffer.handle
    info.format =
      switch texels.form {
      case .four32: VK_FORMAT_R32G32B32A32_SFLOAT
      case .fourBits: VK_FORMAT_R32G32B32A32_UINT
      case .twoBits: VK_FORMAT_R32G32_UINT
      case .oneHalf: VK_FORMAT_R16_SFLOAT
      case .twoHalves: VK_FORMAT_R16G16_SFLOAT
      }
    info.offset = UInt64(texels.bound.offset)
    info.range = UInt64(texels.bound.range)
    let view = try create("vkCreateBufferView") { device.vk.vkCreateBufferView(device.handle, &info, nil, &$0) }
    views.append(view)
    return view
  }

  private func record(
    _ dispatches: [Dispatch], _ starts: [UInt32], _ sets: [VkDescriptorSet], _ pipelines: [PipelineKey: VkPipeline]
  ) throws(AviaryError) {
    let budget = device.options.pieceSeconds ?? (device.info.isProcessor ? Recording.seconds.processor : Recording.seconds.gpu)
    var hazards = Hazards()
    for (index, dispatch) in dispatches.enumerated() {
      guard let pipeline = pipelines[dispatch.key] else { throw AviaryError(.internal, "no pipeline \(dispatch.key)", at: "vulkan") }
      if hazards.mustWait(dispatch), let last = pieces.last { device.barrier(last.commands) }
      // No part of a dispatch is longer than a submission may be, or wider than the device allows.
      let perGroup = device.seconds(dispatch) / Double(dispatch.groups)
      let most = max(1, min(device.largestGroupCount, Int(min(budget / max(perGroup, 1e-12), 1e9))))
      var base = 0
      while base < dispatch.groups {
        let groups = min(most, dispatch.groups - base)
        let seconds = Double(groups) * perGroup
        if pieces.isEmpty || pieces[pieces.count - 1].seconds + seconds > budget * 1.25 {
          try endPiece()
          try beginPiece()
        }
        let commands = pieces[pieces.count - 1].commands
        device.vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline)
        var set: VkDescriptorSet? = sets[index]
        device.vk.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, device.pipelineLayout, 0, 1, &set, 0, nil)
        let push = [UInt32(base), starts[index]]
        device.vk.vkCmdPushConstants(commands, device.pipelineLayout, VK_SHADER_STAGE_COMPUTE_BIT.rawValue, 0, 8, push)
        device.vk.vkCmdDispatch(commands, UInt32(groups), 1, 1)
        base += groups
        pieces[pieces.count - 1].add(dispatch.key.shader, seconds, dispatch.work * Double(groups) / Double(dispatch.groups))
      }
    }
    try endPiece()
  }

  private func beginPiece() throws(AviaryError) {
    let commands = try device.commandBuffer()
    do throws(AviaryError) {
      pieces.append(Piece(commands: commands, fence: try device.fence()))
    } catch {
      device.free(commands)
      throw error
    }
    try device.begin(commands)
    device.barrier(commands, fromHost: true)
  }

  private func endPiece() throws(AviaryError) {
    guard let commands = pieces.last?.commands else { return }
    device.barrier(commands, toHost: true)
    try device.end(commands)
  }

  // MARK: Running

  /// Runs it to its end; the flag is looked at between submissions.
  func run(_ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    guard let host = inputs.mapped else { return }
    host.initializeMemory(as: UInt32.self, repeating: 0, count: 4)
    for (input, offset) in zip(bindings.inputs, inputOffsets) {
      if let source = input.baseAddress { (host + offset).copyMemory(from: source, byteCount: input.count) }
    }
    // On a GPU one piece waits while another runs; a processor has nothing to gain from that.
    let depth = device.info.isProcessor ? 1 : 2
    var submitted = 0
    var finished = 0
    do throws(AviaryError) {
      while finished < pieces.count {
        while submitted < min(pieces.count, finished + depth), !cancel.isCancelled {
          try submit(submitted)
          submitted += 1
        }
        if finished == submitted { throw AviaryError(.cancelled, "the run was cancelled") }
        let start = ContinuousClock.now
        try device.wait(pieces[finished].fence)
        let time = ContinuousClock.now - start
        if depth == 1, let most = pieces[finished].dominant { device.learn(most.shader, most.work, time * most.part) }
        finished += 1
      }
    } catch {
      while finished < submitted {
        try? device.wait(pieces[finished].fence)
        finished += 1
      }
      throw error
    }
    try reportBadID(host.assumingMemoryBound(to: UInt32.self))
  }

  private func submit(_ piece: Int) throws(AviaryError) {
    var fence: VkFence? = pieces[piece].fence
    try check(device.vk.vkResetFences(device.handle, 1, &fence), "vkResetFences")
    try device.submit(pieces[piece].commands, pieces[piece].fence)
    device.submissions.wrappingAdd(1, ordering: .relaxed)
  }

  private func reportBadID(_ flags: UnsafePointer<UInt32>) throws(AviaryError) {
    guard flags[0] > 0, Int(flags[0]) <= plan.steps.count else { return }
    let step = plan.steps[Int(flags[0]) - 1]
    let rows = step.op == .scatterRows || step.op == .scatterAddRows ? step.output.shape[0] : plan.views[step.operands.lowerBound].shape[0]
    throw AviaryError(.request, "row id \(Int32(bitPattern: flags[1]))", wanted: "0..<\(rows)", at: step.path.description)
  }
}

/// What has been read and written since the last barrier.
struct Hazards {
  private var reads: [(buffer: Int, bytes: Range<Int>)] = []
  private var writes: [(buffer: Int, bytes: Range<Int>)] = []

  /// Whether a barrier must stand before this dispatch; notes what it touches.
  mutating func mustWait(_ dispatch: Dispatch) -> Bool {
    let target = (buffer: dispatch.output.buffer.id, bytes: dispatch.output.touched)
    let sources = (dispatch.operands.compactMap { $0 } + dispatch.texels.map(\.bound)).map { (buffer: $0.buffer.id, bytes: $0.touched) }
    func overlaps(_ list: [(buffer: Int, bytes: Range<Int>)], _ one: (buffer: Int, bytes: Range<Int>)) -> Bool {
      list.contains { $0.buffer == one.buffer && $0.bytes.overlaps(one.bytes) }
    }
    let mustWait = overlaps(writes, target) || overlaps(reads, target) || sources.contains { overlaps(writes, $0) }
    if mustWait {
      reads.removeAll(keepingCapacity: true)
      writes.removeAll(keepingCapacity: true)
    }
    reads += sources
    writes.append(target)
    return mustWait
  }
}

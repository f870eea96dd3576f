import AviaryTensor
import CAviaryVulkan
import Synchronization

/// An open device: its queue, its layouts, and what it has learned about its own speed.
final class Device: @unchecked Sendable {
  // Unchecked: the queue, the command pool and everything mutable are used under `running` only, or are atomic.
  let instance: Instance
  let info: DeviceInfo
  let vk: av_vk
  let handle: VkDevice
  let queue: VkQueue
  let commandPool: VkCommandPool
  /// Eight storage buffers: operands 0...4, output 5, flags 6, parameters 7; and three texel buffers, 8, 9 and 10. One layout
  /// for every kernel.
  let setLayout: VkDescriptorSetLayout
  let pipelineLayout: VkPipelineLayout
  /// What tests and users may change about it.
  let options: DeviceOptions
  let running = Lock()
  let submissions = Atomic(0)
  let allocated = Atomic(0)
  private let lost = Atomic(false)
  /// Seconds that each shader takes for a unit of its estimated work, learned from what ran; under `running` only.
  private var paces: [String: Double] = [:]
  private let nextID = Atomic(0)

  static let bindings = 8
  static let texelBindings = 3

  /// - Throws: `.device` where the device lacks what is needed or cannot be opened.
  init(_ instance: Instance, _ info: DeviceInfo, _ options: DeviceOptions, functions: av_vk? = nil) throws(AviaryError) {
    if let lack = info.lack { throw AviaryError(.device, "\(info.name) \(lack)", at: "vulkan") }
    guard let family = info.queueFamily else { throw AviaryError(.device, "\(info.name) has no queue", at: "vulkan") }
    let vk = functions ?? instance.vk
    var scratch = Scratch()
    var queueInfo = VkDeviceQueueCreateInfo()
    queueInfo.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO
    queueInfo.queueFamilyIndex = family
    queueInfo.queueCount = 1
    queueInfo.pQueuePriorities = UnsafePointer(scratch.one(Float(1)))
    var device = VkDeviceCreateInfo()
    device.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO
    device.queueCreateInfoCount = 1
    device.pQueueCreateInfos = UnsafePointer(scratch.one(queueInfo))
    let names = info.importAlignment != nil ? [VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME] : []
    device.enabledExtensionCount = UInt32(names.count)
    device.ppEnabledExtensionNames = UnsafePointer(scratch.strings(names))
    let handle = try create("vkCreateDevice") { vk.vkCreateDevice(info.handle, &device, nil, &$0) }
    var queue: VkQueue?
    vk.vkGetDeviceQueue(handle, family, 0, &queue)
    guard let queue else { throw AviaryError(.device, "\(info.name) gives no queue", at: "vulkan") }

    var pool = VkCommandPoolCreateInfo()
    pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO
    pool.queueFamilyIndex = family
    commandPool = try create("vkCreateCommandPool") { vk.vkCreateCommandPool(handle, &pool, nil, &$0) }

    var slots: [VkDescriptorSetLayoutBinding] = []
    for slot in 0..<Device.bindings + Device.texelBindings {
      var binding = VkDescriptorSetLayoutBinding()
      binding.binding = UInt32(slot)
      binding.descriptorType = slot < Device.bindings ? VK_DESCRIPTOR_TYPE_STORAGE_BUFFER : VK_DESCRIPTOR_TYPE_UNIFORM_TEXEL_BUFFER
      binding.descriptorCount = 1
      binding.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT.rawValue
      slots.append(binding)
    }
    var layout = VkDescriptorSetLayoutCreateInfo()
    layout.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO
    layout.bindingCount = UInt32(slots.count)
    layout.pBindings = UnsafePointer(scratch.array(slots))
    setLayout = try create("vkCreateDescriptorSetLayout") { vk.vkCreateDescriptorSetLayout(handle, &layout, nil, &$0) }

    var push = VkPushConstantRange()
    push.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT.rawValue
    push.size = 8
    var pipelines = VkPipelineLayoutCreateInfo()
    pipelines.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO
    pipelines.setLayoutCount = 1
    pipelines.pSetLayouts = UnsafePointer(scratch.one(Optional(setLayout)))
    pipelines.pushConstantRangeCount = 1
    pipelines.pPushConstantRanges = UnsafePointer(scratch.one(push))
    pipelineLayout = try create("vkCreatePipelineLayout") { vk.vkCreatePipelineLayout(handle, &pipelines, nil, &$0) }

    self.instance = instance
    self.info = info
    self.vk = vk
    self.handle = handle
    self.queue = queue
    self.options = options
  }

  deinit {
    _ = vk.vkDeviceWaitIdle(handle)
    vk.vkDestroyPipelineLayout(handle, pipelineLayout, nil)
    vk.vkDestroyDescriptorSetLayout(handle, setLayout, nil)
    vk.vkDestroyCommandPool(handle, commandPool, nil)
    vk.vkDestroyDevice(handle, nil)
  }

  /// Numbers that are never given twice.
  func newID() -> Int { nextID.wrappingAdd(1, ordering: .relaxed).newValue }

  /// Seconds that a dispatch is likely to take.
  func seconds(_ dispatch: Dispatch) -> Double { dispatch.work * (paces[dispatch.key.shader] ?? firstPace) }

  private var firstPace: Double { info.isProcessor ? 3e-10 : 2e-12 }

  /// Takes into account how long a shader took for that much work in a submission that was its own for the most part.
  func learn(_ shader: String, _ work: Double, _ time: Duration) {
    let found = Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    // Short submissions are mostly the driver's own time, and the first run of a shader its compiler's.
    guard found > 0.02, work > 0 else { return }
    let known = paces[shader] ?? firstPace
    paces[shader] = min(max(0.7 * known + 0.3 * min(found / work, 8 * known), firstPace / 100), firstPace * 1000)
  }

  var isLost: Bool { lost.load(ordering: .acquiring) }

  /// Checks a result and remembers where the device is lost: whoever opens it next gets a new one.
  func checked(_ result: VkResult, _ call: String) throws(AviaryError) {
    if result == VK_ERROR_DEVICE_LOST { lost.store(true, ordering: .releasing) }
    try check(result, call)
  }

  /// The largest range of one binding in bytes.
  var largestBinding: Int { min(Int(info.limits.maxStorageBufferRange), options.largestBinding ?? .max) }
  var offsetAlignment: Int { max(Int(info.limits.minStorageBufferOffsetAlignment), options.offsetAlignment ?? 16, 16) }
  var texelAlignment: Int { max(Int(info.limits.minTexelBufferOffsetAlignment), offsetAlignment) }
  var largestGroupCount: Int {
    withUnsafeBytes(of: info.limits.maxComputeWorkGroupCount) { min(Int($0.load(as: UInt32.self)), options.largestGroupCount ?? .max) }
  }
}

/// Limits that are lower than the device's own, for tests, and which way memory takes.
struct DeviceOptions: Hashable, Sendable {
  var largestBinding: Int?
  var offsetAlignment: Int?
  var largestGroupCount: Int?
  /// Bytes that may be allocated, where less than the device has.
  var memory: Int?
  /// Of one submission, where fewer than usual.
  var pieceSeconds: Double?
  /// Through a staging buffer, as a discrete device needs it.
  var isStaged = false
  /// Host memory is copied and never imported.
  var copiesWeights = false
  /// The forms of kernels that GPUs get, on any device.
  var usesGPUForms = false
  /// No work item reads another's numbers.
  var avoidsShuffles = false
  init() {}
}

/// The handle that a creating function gives.
func create(_ call: String, _ make: (inout OpaquePointer?) -> VkResult) throws(AviaryError) -> OpaquePointer {
  var handle: OpaquePointer?
  try check(make(&handle), call)
  guard let handle else { throw AviaryError(.internal, "\(call) gives no handle", at: "vulkan") }
  return handle
}

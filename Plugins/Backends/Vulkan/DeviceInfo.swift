import AviaryTensor
import CAviaryVulkan

/// What a device and its driver say of themselves.
struct DeviceInfo: @unchecked Sendable {
  // Unchecked: a handle of the instance, which is kept.
  let handle: VkPhysicalDevice
  let index: Int
  let name: String
  let type: VkPhysicalDeviceType
  var apiVersion: UInt32
  let driver: String
  let driverVersion: UInt32
  let uuid: String
  let limits: VkPhysicalDeviceLimits
  let largestAllocation: Int
  let subgroupSize: Int
  /// Whether a subgroup's work items read each other's numbers.
  let shuffles: Bool
  let memory: VkPhysicalDeviceMemoryProperties
  let extensions: Set<String>
  /// The family of queues that compute runs on, where there is one.
  let queueFamily: UInt32?
  /// Where the driver imports host memory: pages must be multiples of this.
  let importAlignment: Int?

  init(_ handle: VkPhysicalDevice, index: Int, _ vk: av_vk) {
    self.handle = handle
    self.index = index
    extensions = Set(
      listed(VkExtensionProperties()) { count, items in _ = vk.vkEnumerateDeviceExtensionProperties(handle, nil, count, items) }.map { text($0.extensionName) })
    var scratch = Scratch()
    var host = VkPhysicalDeviceExternalMemoryHostPropertiesEXT()
    host.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT
    let imports = scratch.one(host)
    var eleven = VkPhysicalDeviceVulkan11Properties()
    eleven.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES
    let canImport = extensions.contains(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)
    if canImport { eleven.pNext = UnsafeMutableRawPointer(imports) }
    let first = scratch.one(eleven)
    var twelve = VkPhysicalDeviceVulkan12Properties()
    twelve.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES
    twelve.pNext = UnsafeMutableRawPointer(first)
    let second = scratch.one(twelve)
    var properties = VkPhysicalDeviceProperties2()
    properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2
    properties.pNext = UnsafeMutableRawPointer(second)
    vk.vkGetPhysicalDeviceProperties2(handle, &properties)
    let plain = properties.properties
    name = text(plain.deviceName)
    type = plain.deviceType
    apiVersion = plain.apiVersion
    limits = plain.limits
    driverVersion = plain.driverVersion
    driver = "\(text(second.pointee.driverName)) \(text(second.pointee.driverInfo))"
    uuid = withUnsafeBytes(of: first.pointee.deviceUUID) { $0.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
    subgroupSize = Int(first.pointee.subgroupSize)
    shuffles =
      first.pointee.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_SHUFFLE_BIT.rawValue != 0
      && first.pointee.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT.rawValue != 0
    largestAllocation = Int(clamping: first.pointee.maxMemoryAllocationSize)
    importAlignment = canImport ? Int(clamping: imports.pointee.minImportedHostPointerAlignment) : nil
    var memory = VkPhysicalDeviceMemoryProperties()
    vk.vkGetPhysicalDeviceMemoryProperties(handle, &memory)
    self.memory = memory
    let families = listed(VkQueueFamilyProperties()) { count, items in vk.vkGetPhysicalDeviceQueueFamilyProperties(handle, count, items) }
    queueFamily = families.firstIndex { $0.queueFlags & VK_QUEUE_COMPUTE_BIT.rawValue != 0 }.map { UInt32($0) }
  }

  /// Whether the "device" is the host's own processor: kernels then take forms of their own.
  var isProcessor: Bool { type == VK_PHYSICAL_DEVICE_TYPE_CPU }

  /// Whether the host and the device share one memory.
  var isUnified: Bool { isProcessor || type == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU }

  var typeName: String {
    switch type {
    case VK_PHYSICAL_DEVICE_TYPE_CPU: "processor (no GPU)"
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: "integrated GPU"
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: "discrete GPU"
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: "virtual GPU"
    default: "other"
    }
  }

  var types: [VkMemoryType] {
    withUnsafeBytes(of: memory.memoryTypes) { Array($0.bindMemory(to: VkMemoryType.self).prefix(Int(memory.memoryTypeCount))) }
  }

  private var heaps: [VkMemoryHeap] {
    withUnsafeBytes(of: memory.memoryHeaps) { Array($0.bindMemory(to: VkMemoryHeap.self).prefix(Int(memory.memoryHeapCount))) }
  }

  /// Bytes of the memory that belongs to the device.
  var memoryBytes: Int {
    Int(clamping: heaps.filter { $0.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT.rawValue != 0 }.map(\.size).max() ?? 0)
  }

  var version: String { "\(apiVersion >> 22 & 0x7f).\(apiVersion >> 12 & 0x3ff).\(apiVersion & 0xfff)" }

  /// Lines for `aviary devices`.
  var details: [(String, String)] {
    [
      ("type", typeName), ("driver", driver), ("vulkan", version), ("uuid", uuid), ("memory", "\(memoryBytes >> 20) MiB"),
      ("largest binding", "\(limits.maxStorageBufferRange >> 20) MiB"), ("subgroup", "\(subgroupSize)"),
      ("shared memory", "\(limits.maxComputeSharedMemorySize) bytes"), ("imports host memory", importAlignment == nil ? "no" : "yes"),
      ("cooperative matrix", extensions.contains("VK_KHR_cooperative_matrix") ? "yes, not used" : "no"),
      ("kernels", isProcessor ? "for a processor" : "for a GPU"),
    ]
  }

  /// What Aviary needs and the device lacks; nil where nothing.
  var lack: String? {
    if apiVersion < AV_VK_API_VERSION_1_2 { return "speaks Vulkan \(version), and 1.2 is needed" }
    if queueFamily == nil { return "has no queue that computes" }
    if limits.maxPerStageDescriptorStorageBuffers < 8 { return "binds \(limits.maxPerStageDescriptorStorageBuffers) buffers at once, and 8 are needed" }
    return nil
  }
}

extension [DeviceInfo] {
  /// The device that a user means by an index, a name (or a part of one) or a UUID; nil means the best: a GPU before a
  /// processor, a discrete one first.
  func chosen(_ word: String?) throws(AviaryError) -> DeviceInfo {
    guard !isEmpty else {
      throw AviaryError(.device, "Vulkan finds no device", wanted: "a driver (Debian: mesa-vulkan-drivers has one for every machine)", at: "vulkan")
    }
    func rank(_ device: DeviceInfo) -> Int {
      switch device.type {
      case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU: 0
      case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU: 1
      case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU: 2
      default: 3
      }
    }
    guard let word else { return self.min { rank($0) < rank($1) } ?? self[0] }
    let plain = word.lowercased().filter { $0 != "-" }
    // A UUID of digits alone is no index.
    let isIndex = word.count < 4 && Int(word) != nil
    if isIndex, let index = Int(word), let device = first(where: { $0.index == index }) { return device }
    if let device = first(where: { $0.uuid == plain }) { return device }
    if !isIndex, let device = first(where: { $0.name.lowercased().contains(word.lowercased()) }) { return device }
    throw AviaryError(
      .config, "no device \"\(word)\"", wanted: "one of " + map { "\($0.index) (\($0.name), \($0.uuid))" }.joined(separator: ", "), at: "device")
  }
}

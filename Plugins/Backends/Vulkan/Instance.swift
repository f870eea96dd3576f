import AviaryTensor
import CAviaryVulkan
import Synchronization

/// The loader and an instance of Vulkan, made once per process and kept.
final class Instance: @unchecked Sendable {
  // Unchecked: nothing changes after `init`.
  let vk: av_vk
  let handle: VkInstance
  let isValidated: Bool

  static let loaderName = "libvulkan.so.1"
  private static let shared = Mutex<[Bool: Instance]>([:])

  /// - Parameter validated: with Khronos' validation layer, whose messages go to `Validation`.
  static func open(validated: Bool) throws(AviaryError) -> Instance {
    if let made = shared.withLock({ $0[validated] }) { return made }
    let made = try Instance(loader: loaderName, validated: validated)
    return shared.withLock { instances in
      if let other = instances[validated] { return other }
      instances[validated] = made
      return made
    }
  }

  /// - Parameter loader: the name of Vulkan's shared library.
  init(loader: String, validated: Bool = false) throws(AviaryError) {
    var vk = av_vk()
    if let missing = av_vk_open(loader, &vk) {
      throw AviaryError(
        .device, "Vulkan's loader cannot be used: \(String(cString: missing)) is not found", wanted: "\(loader) (Debian: libvulkan1, mesa-vulkan-drivers)", at: "vulkan")
    }
    var scratch = Scratch()
    var application = VkApplicationInfo()
    application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO
    application.pApplicationName = scratch.string("aviary")
    application.apiVersion = AV_VK_API_VERSION_1_2
    var info = VkInstanceCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO
    info.pApplicationInfo = UnsafePointer(scratch.one(application))
    if validated {
      guard Validation.isInstalled(vk) else {
        throw AviaryError(.device, "the layer \(Validation.layer) is not installed", wanted: "Debian's vulkan-validationlayers", at: "vulkan")
      }
      Validation.enable(&info, &scratch)
    }
    var handle: VkInstance?
    try check(vk.vkCreateInstance(&info, nil, &handle), "vkCreateInstance")
    guard let handle else { throw AviaryError(.internal, "an instance without a handle", at: "vulkan") }
    if let missing = av_vk_load(handle, &vk) {
      throw AviaryError(.device, "the loader has no \(String(cString: missing))", wanted: "Vulkan 1.2", at: "vulkan")
    }
    self.vk = vk
    self.handle = handle
    isValidated = validated
    if validated { Validation.listen(vk, handle) }
  }

  /// Every device of every driver.
  func devices() throws(AviaryError) -> [DeviceInfo] {
    var failure = VK_SUCCESS
    let handles: [VkPhysicalDevice?] = listed(nil) { count, items in
      let result = vk.vkEnumeratePhysicalDevices(handle, count, items)
      if result != VK_SUCCESS && result != VK_INCOMPLETE { failure = result }
    }
    // A loader that finds no driver says so with this code, which means no more than no device.
    if failure != VK_ERROR_INITIALIZATION_FAILED { try check(failure, "vkEnumeratePhysicalDevices") }
    return handles.compactMap { $0 }.enumerated().map { DeviceInfo($0.element, index: $0.offset, vk) }
  }
}

import CAviaryVulkan
import Synchronization

/// Khronos' validation layer with synchronisation validation, for tests: what it says is collected here.
public enum Validation {
  static let layer = "VK_LAYER_KHRONOS_validation"
  private static let said = Mutex<[String]>([])

  /// Everything that the layer has said so far.
  public static var messages: [String] { said.withLock { $0 } }

  /// Whether the layer is there.
  public static var isInstalled: Bool {
    var vk = av_vk()
    return av_vk_open(Instance.loaderName, &vk) == nil && isInstalled(vk)
  }

  static func isInstalled(_ vk: av_vk) -> Bool {
    listed(VkLayerProperties()) { count, items in _ = vk.vkEnumerateInstanceLayerProperties(count, items) }.contains { text($0.layerName) == layer }
  }

  static func enable(_ info: inout VkInstanceCreateInfo, _ scratch: inout Scratch) {
    info.enabledLayerCount = 1
    info.ppEnabledLayerNames = UnsafePointer(scratch.strings([layer]))
    info.enabledExtensionCount = 2
    info.ppEnabledExtensionNames = UnsafePointer(scratch.strings([VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME]))
    var features = VkValidationFeaturesEXT()
    features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT
    features.enabledValidationFeatureCount = 1
    features.pEnabledValidationFeatures = UnsafePointer(scratch.one(VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT))
    info.pNext = UnsafeRawPointer(scratch.one(features))
  }

  static func listen(_ vk: av_vk, _ instance: VkInstance) {
    guard let makeMessenger = vk.vkCreateDebugUtilsMessengerEXT else { return }
    var info = VkDebugUtilsMessengerCreateInfoEXT()
    info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT
    info.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT.rawValue | VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT.rawValue
    info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT.rawValue | VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT.rawValue
    info.pfnUserCallback = { _, _, data, _ in
      if let message = data?.pointee.pMessage { Validation.add(String(cString: message)) }
      return 0
    }
    var messenger: VkDebugUtilsMessengerEXT?
    _ = makeMessenger(instance, &info, nil, &messenger)
  }

  private static func add(_ message: String) { said.withLock { $0.append(message) } }
}

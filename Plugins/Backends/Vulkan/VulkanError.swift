import AviaryTensor
import CAviaryVulkan

/// Throws what a Vulkan function reports, in words.
func check(_ result: VkResult, _ call: String) throws(AviaryError) {
  if result == VK_SUCCESS { return }
  throw AviaryError(result.kind, "\(call) fails: \(result.text)", at: "vulkan")
}

extension VkResult {
  fileprivate var kind: AviaryError.Kind {
    switch self {
    case VK_ERROR_OUT_OF_HOST_MEMORY, VK_ERROR_OUT_OF_DEVICE_MEMORY, VK_ERROR_TOO_MANY_OBJECTS: .memory
    default: .device
    }
  }

  fileprivate var text: String {
    switch self {
    case VK_ERROR_OUT_OF_HOST_MEMORY: "out of the host's memory"
    case VK_ERROR_OUT_OF_DEVICE_MEMORY: "out of the device's memory"
    case VK_ERROR_TOO_MANY_OBJECTS: "too many allocations"
    case VK_ERROR_INITIALIZATION_FAILED: "initialisation failed"
    case VK_ERROR_DEVICE_LOST: "the device is lost"
    case VK_ERROR_INCOMPATIBLE_DRIVER: "no driver is compatible"
    case VK_ERROR_EXTENSION_NOT_PRESENT: "an extension is absent"
    case VK_ERROR_LAYER_NOT_PRESENT: "a layer is absent"
    case VK_ERROR_FEATURE_NOT_PRESENT: "a feature is absent"
    case VK_TIMEOUT: "no answer in time"
    default: "result \(rawValue)"
    }
  }
}

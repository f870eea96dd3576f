// Vulkan without linking it: the loader is opened when the backend is, so that a machine without one gets an error
// in words, and a test can put a failing function in the place of any of these.
#pragma once
#include <stdbool.h>
#define VK_NO_PROTOTYPES
#include <vulkan/vulkan_core.h>

static const uint32_t AV_VK_API_VERSION_1_2 = VK_API_VERSION_1_2;

#define AV_VK_GLOBAL(X) X(vkCreateInstance) X(vkEnumerateInstanceLayerProperties) X(vkEnumerateInstanceExtensionProperties)

#define AV_VK_INSTANCE(X)                                                                                              \
  X(vkDestroyInstance) X(vkEnumeratePhysicalDevices) X(vkGetPhysicalDeviceProperties2) X(vkGetPhysicalDeviceFeatures2) \
  X(vkGetPhysicalDeviceMemoryProperties) X(vkGetPhysicalDeviceQueueFamilyProperties)                                   \
  X(vkEnumerateDeviceExtensionProperties) X(vkCreateDevice) X(vkGetDeviceProcAddr) X(vkDestroyDevice)                  \
  X(vkGetDeviceQueue) X(vkDeviceWaitIdle) X(vkCreateBuffer) X(vkDestroyBuffer) X(vkGetBufferMemoryRequirements)        \
  X(vkAllocateMemory) X(vkFreeMemory) X(vkBindBufferMemory) X(vkMapMemory) X(vkCreateShaderModule)                     \
  X(vkDestroyShaderModule) X(vkCreateDescriptorSetLayout) X(vkDestroyDescriptorSetLayout) X(vkCreatePipelineLayout)    \
  X(vkDestroyPipelineLayout) X(vkCreatePipelineCache) X(vkGetPipelineCacheData) X(vkDestroyPipelineCache)              \
  X(vkCreateComputePipelines) X(vkDestroyPipeline) X(vkCreateDescriptorPool) X(vkDestroyDescriptorPool)                \
  X(vkAllocateDescriptorSets) X(vkUpdateDescriptorSets) X(vkCreateCommandPool) X(vkDestroyCommandPool)                 \
  X(vkAllocateCommandBuffers) X(vkFreeCommandBuffers) X(vkBeginCommandBuffer) X(vkEndCommandBuffer)                    \
  X(vkCmdBindPipeline) X(vkCmdBindDescriptorSets) X(vkCmdPushConstants) X(vkCmdDispatch) X(vkCmdPipelineBarrier)       \
  X(vkCmdCopyBuffer) X(vkCmdFillBuffer) X(vkQueueSubmit) X(vkCreateFence) X(vkDestroyFence) X(vkResetFences)           \
  X(vkWaitForFences) X(vkCreateBufferView) X(vkDestroyBufferView)

// Absent where the driver or the loader has no such extension.
#define AV_VK_OPTIONAL(X) X(vkGetMemoryHostPointerPropertiesEXT) X(vkCreateDebugUtilsMessengerEXT) X(vkDestroyDebugUtilsMessengerEXT)

#define AV_VK_FIELD(name) PFN_##name name;
typedef struct av_vk {
  PFN_vkGetInstanceProcAddr vkGetInstanceProcAddr;
  AV_VK_GLOBAL(AV_VK_FIELD)
  AV_VK_INSTANCE(AV_VK_FIELD)
  AV_VK_OPTIONAL(AV_VK_FIELD)
} av_vk;

/// Opens the loader and finds the functions that need no instance; the name of what is missing, or null.
const char *av_vk_open(const char *library, av_vk *vk);
/// Finds all other functions; the name of one that is missing, or null.
const char *av_vk_load(VkInstance instance, av_vk *vk);

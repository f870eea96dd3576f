#include "av_vulkan.h"

#include <dlfcn.h>
#include <stddef.h>

#define FIND(name)                                                                    \
  vk->name = (PFN_##name)vk->vkGetInstanceProcAddr(instance, #name);                  \
  if (!vk->name) return #name;
#define FIND_OPTIONAL(name) vk->name = (PFN_##name)vk->vkGetInstanceProcAddr(instance, #name);

const char *av_vk_open(const char *library, av_vk *vk) {
  // Never closed: drivers leave threads and exit handlers behind.
  void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  if (!handle) return library;
  vk->vkGetInstanceProcAddr = (PFN_vkGetInstanceProcAddr)dlsym(handle, "vkGetInstanceProcAddr");
  if (!vk->vkGetInstanceProcAddr) return "vkGetInstanceProcAddr";
  VkInstance instance = NULL;
  AV_VK_GLOBAL(FIND)
  return NULL;
}

const char *av_vk_load(VkInstance instance, av_vk *vk) {
  AV_VK_INSTANCE(FIND)
  AV_VK_OPTIONAL(FIND_OPTIONAL)
  return NULL;
}

import AviaryTensor
import CAviaryVulkan

/// Command buffers, fences and barriers.
extension Device {
  func commandBuffer() throws(AviaryError) -> VkCommandBuffer {
    var info = VkCommandBufferAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO
    info.commandPool = commandPool
    info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY
    info.commandBufferCount = 1
    return try create("vkAllocateCommandBuffers") { vk.vkAllocateCommandBuffers(handle, &info, &$0) }
  }

  func free(_ commands: VkCommandBuffer) {
    var handles: VkCommandBuffer? = commands
    vk.vkFreeCommandBuffers(handle, commandPool, 1, &handles)
  }

  func begin(_ commands: VkCommandBuffer) throws(AviaryError) {
    var info = VkCommandBufferBeginInfo()
    info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO
    try check(vk.vkBeginCommandBuffer(commands, &info), "vkBeginCommandBuffer")
  }

  func end(_ commands: VkCommandBuffer) throws(AviaryError) { try check(vk.vkEndCommandBuffer(commands), "vkEndCommandBuffer") }

  func fence() throws(AviaryError) -> VkFence {
    var info = VkFenceCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO
    return try create("vkCreateFence") { vk.vkCreateFence(handle, &info, nil, &$0) }
  }

  func submit(_ commands: VkCommandBuffer, _ fence: VkFence) throws(AviaryError) {
    var buffers: VkCommandBuffer? = commands
    let result = withUnsafePointer(to: &buffers) { pointer in
      var info = VkSubmitInfo()
      info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO
      info.commandBufferCount = 1
      info.pCommandBuffers = pointer
      return vk.vkQueueSubmit(queue, 1, &info, fence)
    }
    try checked(result, "vkQueueSubmit")
  }

  /// Waits until a fence is reached. A GPU that says nothing for a minute is as good as lost; a processor may have others
  /// to serve.
  func wait(_ fence: VkFence) throws(AviaryError) {
    var handles: VkFence? = fence
    try checked(vk.vkWaitForFences(handle, 1, &handles, 1, info.isProcessor ? 3600_000_000_000 : 60_000_000_000), "vkWaitForFences")
  }

  /// Everything written before is seen by everything behind; beside compute and copies, by the host where asked.
  func barrier(_ commands: VkCommandBuffer, fromHost: Bool = false, toHost: Bool = false) {
    let work = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT.rawValue | VK_PIPELINE_STAGE_TRANSFER_BIT.rawValue
    let written = VK_ACCESS_SHADER_WRITE_BIT.rawValue | VK_ACCESS_TRANSFER_WRITE_BIT.rawValue
    let used = written | VK_ACCESS_SHADER_READ_BIT.rawValue | VK_ACCESS_TRANSFER_READ_BIT.rawValue
    var memory = VkMemoryBarrier()
    memory.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER
    memory.srcAccessMask = written | (fromHost ? VK_ACCESS_HOST_WRITE_BIT.rawValue : 0)
    memory.dstAccessMask = toHost ? VK_ACCESS_HOST_READ_BIT.rawValue : used
    vk.vkCmdPipelineBarrier(
      commands, work | (fromHost ? VK_PIPELINE_STAGE_HOST_BIT.rawValue : 0), toHost ? VK_PIPELINE_STAGE_HOST_BIT.rawValue : work, 0, 1, &memory, 0, nil, 0, nil)
  }
}

import AviaryTensor
import CAviaryVulkan

/// Bytes between the host and the device.
extension Device {
  private static let stagingBytes = 4 << 20

  /// Zeroes a new buffer.
  func clear(_ buffer: VulkanBuffer) throws(AviaryError) {
    if let address = buffer.mapped {
      address.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.byteCount)
      return
    }
    try once { vk.vkCmdFillBuffer($0, buffer.handle, 0, UInt64.max, 0) }
  }

  func upload(_ bytes: UnsafeRawBufferPointer, to buffer: VulkanBuffer, _ offset: Int) throws(AviaryError) {
    guard let source = bytes.baseAddress, bytes.count > 0 else { return }
    if let address = buffer.mapped {
      (address + offset).copyMemory(from: source, byteCount: bytes.count)
      return
    }
    // Two halves, so that one is filled while the other is on its way.
    let half = min(Device.stagingBytes, bytes.count)
    let staging = [try VulkanBuffer(self, half, .host), try VulkanBuffer(self, half, .host)]
    var flights: [Flight?] = [nil, nil]
    // Its last use here is a handle, and the device is still reading when that is over: first all land, also after an error.
    defer {
      flights.removeAll()
      withExtendedLifetime(staging) {}
    }
    var (done, turn) = (0, 0)
    while done < bytes.count {
      let count = min(half, bytes.count - done)
      try flights[turn]?.land()
      guard let room = staging[turn].mapped else { throw AviaryError(.device, "staging memory has no address", at: "vulkan") }
      room.copyMemory(from: source + done, byteCount: count)
      var region = VkBufferCopy(srcOffset: 0, dstOffset: UInt64(offset + done), size: UInt64(count))
      flights[turn] = try Flight(self) { vk.vkCmdCopyBuffer($0, staging[turn].handle, buffer.handle, 1, &region) }
      done += count
      turn = 1 - turn
    }
    for flight in flights { try flight?.land() }
  }

  func download(_ buffer: VulkanBuffer, _ offset: Int, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    guard let target = bytes.baseAddress, bytes.count > 0 else { return }
    if let address = buffer.mapped {
      target.copyMemory(from: address + offset, byteCount: bytes.count)
      return
    }
    let staging = try VulkanBuffer(self, min(Device.stagingBytes, bytes.count), .host)
    defer { withExtendedLifetime(staging) {} }
    guard let room = staging.mapped else { throw AviaryError(.device, "staging memory has no address", at: "vulkan") }
    var done = 0
    while done < bytes.count {
      let count = min(Device.stagingBytes, bytes.count - done)
      var region = VkBufferCopy(srcOffset: UInt64(offset + done), dstOffset: 0, size: UInt64(count))
      try once { vk.vkCmdCopyBuffer($0, buffer.handle, staging.handle, 1, &region) }
      (target + done).copyMemory(from: room, byteCount: count)
      done += count
    }
  }

  private func once(_ record: (VkCommandBuffer) -> Void) throws(AviaryError) { try Flight(self, record).land() }
}

/// A command buffer on its way: submitted when it is made, awaited by `land`.
final class Flight {
  private let device: Device
  private let commands: VkCommandBuffer
  private let fence: VkFence
  private var hasLanded = true

  init(_ device: Device, _ record: (VkCommandBuffer) -> Void) throws(AviaryError) {
    self.device = device
    commands = try device.commandBuffer()
    do throws(AviaryError) {
      fence = try device.fence()
    } catch {
      device.free(commands)
      throw error
    }
    try device.begin(commands)
    device.barrier(commands, fromHost: true)
    record(commands)
    device.barrier(commands, toHost: true)
    try device.end(commands)
    try device.submit(commands, fence)
    hasLanded = false
  }

  func land() throws(AviaryError) {
    if hasLanded { return }
    hasLanded = true
    try device.wait(fence)
  }

  deinit {
    if !hasLanded { try? device.wait(fence) }
    device.vk.vkDestroyFence(device.handle, fence, nil)
    device.free(commands)
  }
}

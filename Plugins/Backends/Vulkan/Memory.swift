import AviaryTensor
import CAviaryVulkan
import Synchronization

/// A buffer on the device, with memory of its own.
final class VulkanBuffer: Buffer, @unchecked Sendable {
  // Unchecked: handles that never change, and what changes under the device's lock; the bytes are the runs' affair.
  let device: Device
  let byteCount: Int
  /// Never given to another buffer, so that a recording can tell whether its buffers are still those. A buffer whose
  /// bytes come out of planes has a new one.
  private(set) var id: Int
  /// What lies in planes; changed under the device's lock only.
  var packing: Packing? {
    didSet { if packing == nil { id = device.newID() } }
  }
  let handle: VkBuffer
  /// The host's address of the memory, where it has one.
  let mapped: UnsafeMutableRawPointer?
  private let memory: VkDeviceMemory
  /// Whoever keeps imported pages.
  private let owner: (any AnyObject & Sendable)?
  private let size: Int
  /// Bytes that a binding may reach, padding included.
  let roomBytes: Int

  /// Where memory comes from.
  enum Kind {
    /// The device's own; with an address on the host where the two share it.
    case own
    /// The host's, which the device reads over its bus: inputs, parameters, staging.
    case host
  }

  /// Memory whose bytes are whatever they are.
  ///
  /// - Throws: `.memory` with the figures where there is not enough.
  init(_ device: Device, _ byteCount: Int, _ kind: Kind) throws(AviaryError) {
    let size = (max(byteCount, 16) + 15) / 16 * 16
    try device.reserve(size)
    let types = device.info.types
    let wanted = kind == .own ? VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT.rawValue : 0
    let visible = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT.rawValue | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT.rawValue
    let isMapped = kind == .host || device.info.isUnified && !device.options.isStaged
    let handle = try device.buffer(size, imported: false)
    var needs = VkMemoryRequirements()
    device.vk.vkGetBufferMemoryRequirements(device.handle, handle, &needs)
    let candidates = types.indices.filter { needs.memoryTypeBits & (1 << UInt32($0)) != 0 }
    let flags = isMapped ? wanted | visible : wanted
    let type = candidates.first { types[$0].propertyFlags & flags == flags } ?? candidates.first { types[$0].propertyFlags & visible == visible || !isMapped }
    guard let type else {
      device.vk.vkDestroyBuffer(device.handle, handle, nil)
      throw AviaryError(.device, "no memory of \(device.info.name) fits a buffer", at: "vulkan")
    }
    var info = VkMemoryAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO
    info.allocationSize = needs.size
    info.memoryTypeIndex = UInt32(type)
    do throws(AviaryError) {
      memory = try device.bound(info, to: handle, size)
    } catch {
      device.vk.vkDestroyBuffer(device.handle, handle, nil)
      throw error
    }
    var address: UnsafeMutableRawPointer?
    if isMapped, device.vk.vkMapMemory(device.handle, memory, 0, UInt64.max, 0, &address) != VK_SUCCESS { address = nil }
    owner = nil
    roomBytes = size
    (self.device, self.byteCount, self.handle, self.size) = (device, byteCount, handle, size)
    mapped = address
    id = device.newID()
    device.allocated.wrappingAdd(size, ordering: .relaxed)
  }

  /// The host's pages themselves, or nil where the driver does not take these.
  init?(_ device: Device, importing pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    guard let base = pages.baseAddress, let find = device.vk.vkGetMemoryHostPointerPropertiesEXT else { return nil }
    let address = UnsafeMutableRawPointer(mutating: base)
    var properties = VkMemoryHostPointerPropertiesEXT()
    properties.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT
    guard find(device.handle, VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT, address, &properties) == VK_SUCCESS,
      let handle = try? device.buffer(pages.count, imported: true)
    else { return nil }
    var needs = VkMemoryRequirements()
    device.vk.vkGetBufferMemoryRequirements(device.handle, handle, &needs)
    let bits = needs.memoryTypeBits & properties.memoryTypeBits
    guard bits != 0, needs.size <= UInt64(pages.count) else {
      device.vk.vkDestroyBuffer(device.handle, handle, nil)
      return nil
    }
    var scratch = Scratch()
    var source = VkImportMemoryHostPointerInfoEXT()
    source.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT
    source.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT
    source.pHostPointer = address
    var info = VkMemoryAllocateInfo()
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO
    info.pNext = UnsafeRawPointer(scratch.one(source))
    info.allocationSize = UInt64(pages.count)
    info.memoryTypeIndex = UInt32(bits.trailingZeroBitCount)
    guard let memory = try? device.bound(info, to: handle, pages.count) else {
      device.vk.vkDestroyBuffer(device.handle, handle, nil)
      return nil
    }
    byteCount = pages.count
    (self.device, self.handle, self.memory) = (device, handle, memory)
    self.owner = owner
    size = 0
    roomBytes = pages.count
    mapped = address
    id = device.newID()
  }

  deinit {
    device.vk.vkDestroyBuffer(device.handle, handle, nil)
    device.vk.vkFreeMemory(device.handle, memory, nil)
    device.allocated.wrappingSubtract(size, ordering: .relaxed)
  }
}

extension Device {
  /// Memory that may be had at all: on a processor's driver it is the machine's.
  var memoryBytes: Int { options.memory ?? (info.isProcessor ? Host.memoryBytes : info.memoryBytes) }

  /// Refuses what cannot fit, with the figures, before anything is asked of the driver.
  fileprivate func reserve(_ size: Int) throws(AviaryError) {
    let used = allocated.load(ordering: .relaxed)
    if size > info.largestAllocation {
      throw AviaryError(.memory, "a buffer of \(size) bytes", wanted: "at most \(info.largestAllocation), the largest that \(info.name) allocates", at: "vulkan")
    }
    if size > memoryBytes - used {
      throw AviaryError(.memory, "\(size) more bytes beside the \(used) in use", wanted: "at most \(memoryBytes), the memory of \(info.name)", at: "vulkan")
    }
  }

  fileprivate func buffer(_ size: Int, imported: Bool) throws(AviaryError) -> VkBuffer {
    var scratch = Scratch()
    var info = VkBufferCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO
    if imported {
      var external = VkExternalMemoryBufferCreateInfo()
      external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO
      external.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT.rawValue
      info.pNext = UnsafeRawPointer(scratch.one(external))
    }
    info.size = UInt64(size)
    let usage = [
      VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VK_BUFFER_USAGE_UNIFORM_TEXEL_BUFFER_BIT, VK_BUFFER_USAGE_TRANSFER_SRC_BIT, VK_BUFFER_USAGE_TRANSFER_DST_BIT,
    ]
    info.usage = usage.reduce(0) { $0 | $1.rawValue }
    return try create("vkCreateBuffer") { vk.vkCreateBuffer(handle, &info, nil, &$0) }
  }

  fileprivate func bound(_ info: VkMemoryAllocateInfo, to buffer: VkBuffer, _ size: Int) throws(AviaryError) -> VkDeviceMemory {
    var info = info
    var memory: VkDeviceMemory?
    let result = vk.vkAllocateMemory(handle, &info, nil, &memory)
    guard result == VK_SUCCESS, let memory else {
      let used = allocated.load(ordering: .relaxed)
      do throws(AviaryError) { try check(result, "vkAllocateMemory") } catch {
        throw AviaryError(error.kind, "\(error.found) for \(size) bytes beside the \(used) in use", wanted: "memory of \(self.info.name)", at: "vulkan")
      }
      throw AviaryError(.internal, "memory without a handle", at: "vulkan")
    }
    let bound = vk.vkBindBufferMemory(handle, buffer, memory, 0)
    if bound != VK_SUCCESS {
      vk.vkFreeMemory(handle, memory, nil)
      try check(bound, "vkBindBufferMemory")
    }
    return memory
  }
}

/// Pages of a file that stay where they are. Each part that a plan names is imported when it is first bound, or copied
/// where the driver does not take it: one import of a whole file may be larger than a driver allows.
final class AdoptedPages: Buffer, @unchecked Sendable {
  // Unchecked: the parts are changed under the device's lock only.
  let device: Device
  let pages: UnsafeRawBufferPointer
  let id: Int
  private let owner: any AnyObject & Sendable
  private var parts: [Int: (buffer: VulkanBuffer, start: Int)] = [:]
  /// Buffers made of parts, by where these start.
  private var copies: [Int: VulkanBuffer] = [:]

  var byteCount: Int { pages.count }

  init(_ device: Device, _ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    (self.device, self.pages) = (device, pages)
    self.owner = owner
    id = device.newID()
  }

  /// A buffer that holds a part, and where the part starts in it.
  func part(_ offset: Int, _ count: Int) throws(AviaryError) -> (buffer: VulkanBuffer, start: Int) {
    if let part = parts[offset], part.start + count <= part.buffer.byteCount { return part }
    let made: (buffer: VulkanBuffer, start: Int)
    if let imported = imported(offset, count) { made = imported } else { made = try copied(offset, count) }
    parts[offset] = made
    return made
  }

  /// The buffer that was made of a part, or is made now.
  func kept(
    _ offset: Int, _ count: Int, _ make: (Device, UnsafeRawBufferPointer) throws(AviaryError) -> VulkanBuffer
  ) throws(AviaryError) -> (buffer: VulkanBuffer, start: Int) {
    if let copy = copies[offset], copy.byteCount == count { return (copy, 0) }
    let copy = try make(device, UnsafeRawBufferPointer(rebasing: pages[offset..<offset + count]))
    copies[offset] = copy
    return (copy, 0)
  }

  private func imported(_ offset: Int, _ count: Int) -> (buffer: VulkanBuffer, start: Int)? {
    guard let alignment = device.info.importAlignment, !device.options.copiesWeights, count > 0, let base = pages.baseAddress else { return nil }
    let address = UInt(bitPattern: base) + UInt(offset)
    let start = address / UInt(alignment) * UInt(alignment)
    let end = (address + UInt(count) + UInt(alignment) - 1) / UInt(alignment) * UInt(alignment)
    // The last page of a mapping is there as a whole; larger steps than a page might not be.
    guard alignment <= Host.pageBytes, let first = UnsafeRawPointer(bitPattern: start) else { return nil }
    guard let buffer = VulkanBuffer(device, importing: UnsafeRawBufferPointer(start: first, count: Int(end - start)), owner: owner) else { return nil }
    return (buffer, Int(address - start))
  }

  private func copied(_ offset: Int, _ count: Int) throws(AviaryError) -> (buffer: VulkanBuffer, start: Int) {
    let buffer = try VulkanBuffer(device, count, .own)
    try device.upload(UnsafeRawBufferPointer(rebasing: pages[offset..<offset + count]), to: buffer, 0)
    return (buffer, 0)
  }
}

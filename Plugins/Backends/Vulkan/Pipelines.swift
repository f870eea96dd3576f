import AviaryTensor
import CAviaryVulkan
import Dispatch
import Synchronization
import VulkanShaders

/// A shader with its specialisation constants, the first of which is the workgroup's size.
struct PipelineKey: Hashable, Sendable {
  let shader: String
  let constants: [UInt32]
}

/// Compute pipelines: made on first use, several at once, and kept on disk in the driver's own form.
final class Pipelines: @unchecked Sendable {
  // Unchecked: it has one user at a time, the device's lock sees to that; what it shares between its own threads is
  // behind the lock, and Vulkan's pipeline caches may be used by several.
  private let device: Device
  private let cache: VkPipelineCache?
  private let file: CacheFile
  private var made: [PipelineKey: VkPipeline] = [:]
  private var modules: [String: VkShaderModule] = [:]

  /// - Parameter folder: where the cache is kept; nil for nowhere.
  init(_ device: Device, folder: String?) {
    self.device = device
    let driver = "\(device.info.uuid)-\(String(device.info.driverVersion, radix: 16))-\(String(ShaderLibrary.fingerprint, radix: 16))"
    file = CacheFile(folder.map { "\($0)/pipelines-\(driver).bin" })
    cache = Pipelines.makeCache(device, file.read())
  }

  private static func makeCache(_ device: Device, _ bytes: [UInt8]?) -> VkPipelineCache? {
    var scratch = Scratch()
    var info = VkPipelineCacheCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO
    if let bytes {
      info.initialDataSize = bytes.count
      info.pInitialData = UnsafeRawPointer(scratch.array(bytes))
    }
    var cache: VkPipelineCache?
    // Without a cache everything still runs, only later.
    return device.vk.vkCreatePipelineCache(device.handle, &info, nil, &cache) == VK_SUCCESS ? cache : nil
  }

  deinit {
    for pipeline in made.values { device.vk.vkDestroyPipeline(device.handle, pipeline, nil) }
    for module in modules.values { device.vk.vkDestroyShaderModule(device.handle, module, nil) }
    if let cache { device.vk.vkDestroyPipelineCache(device.handle, cache, nil) }
  }

  /// The pipelines of these keys among others; those that are new are made in parallel. One caller at a time.
  func pipelines(_ keys: Set<PipelineKey>) throws(AviaryError) -> [PipelineKey: VkPipeline] {
    let missing = Array(keys.filter { made[$0] == nil })
    if missing.isEmpty { return made }
    var shaders: [VkShaderModule] = []
    for key in missing { shaders.append(try module(key.shader)) }
    let batch = Batch(missing, shaders)
    DispatchQueue.concurrentPerform(iterations: missing.count) { index in
      do throws(AviaryError) {
        let pipeline = try make(batch.keys[index], batch.shaders[index])
        batch.lock.lock()
        made[batch.keys[index]] = pipeline
        batch.lock.unlock()
      } catch {
        batch.lock.lock()
        batch.failure = error
        batch.lock.unlock()
      }
    }
    if let failure = batch.failure { throw failure }
    save()
    return made
  }

  private func make(_ key: PipelineKey, _ module: VkShaderModule) throws(AviaryError) -> VkPipeline {
    var scratch = Scratch()
    var entries: [VkSpecializationMapEntry] = []
    for index in key.constants.indices {
      entries.append(VkSpecializationMapEntry(constantID: UInt32(index), offset: UInt32(index * 4), size: 4))
    }
    var constants = VkSpecializationInfo()
    constants.mapEntryCount = UInt32(entries.count)
    constants.pMapEntries = UnsafePointer(scratch.array(entries))
    constants.dataSize = key.constants.count * 4
    constants.pData = UnsafeRawPointer(scratch.array(key.constants))
    var info = VkComputePipelineCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO
    info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO
    info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT
    info.stage.module = module
    info.stage.pName = scratch.string("main")
    info.stage.pSpecializationInfo = UnsafePointer(scratch.one(constants))
    info.layout = device.pipelineLayout
    do throws(AviaryError) {
      return try create("vkCreateComputePipelines") { device.vk.vkCreateComputePipelines(device.handle, cache, 1, &info, nil, &$0) }
    } catch {
      throw error.at("shader \(key.shader) \(key.constants)")
    }
  }

  private func module(_ name: String) throws(AviaryError) -> VkShaderModule {
    if let module = modules[name] { return module }
    guard let words = ShaderLibrary.spirv(name) else { throw AviaryError(.internal, "no shader \(name)", at: "vulkan") }
    var scratch = Scratch()
    var info = VkShaderModuleCreateInfo()
    info.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO
    info.codeSize = words.count * 4
    info.pCode = UnsafePointer(scratch.array(words))
    let module = try create("vkCreateShaderModule") { device.vk.vkCreateShaderModule(device.handle, &info, nil, &$0) }
    modules[name] = module
    return module
  }

  private func save() {
    guard let cache else { return }
    var count = 0
    guard device.vk.vkGetPipelineCacheData(device.handle, cache, &count, nil) == VK_SUCCESS, count > 0 else { return }
    var bytes = [UInt8](repeating: 0, count: count)
    guard device.vk.vkGetPipelineCacheData(device.handle, cache, &count, &bytes) == VK_SUCCESS else { return }
    file.write(Array(bytes.prefix(count)))
  }
}

/// Pipelines that several threads make at once.
private final class Batch: @unchecked Sendable {
  // Unchecked: what changes, the pipelines' own table included, changes under the lock.
  let keys: [PipelineKey]
  let shaders: [VkShaderModule]
  let lock = Lock()
  var failure: AviaryError?

  init(_ keys: [PipelineKey], _ shaders: [VkShaderModule]) { (self.keys, self.shaders) = (keys, shaders) }
}

/// A file that may be missing, broken or unwritable, at no loss but of time.
final class CacheFile: Sendable {
  let path: String?
  private let hasWarned = Mutex(false)
  private static let magic: [UInt8] = Array("aviary.1".utf8)

  init(_ path: String?) { self.path = path }

  /// The bytes that were written, or nil where they are not whole.
  func read() -> [UInt8]? {
    guard let path, let bytes = Host.read(path), bytes.count > 16, bytes.starts(with: CacheFile.magic) else { return nil }
    let body = Array(bytes[16...])
    return Array(bytes[8..<16]) == CacheFile.digest(body) ? body : nil
  }

  /// Says once where the file cannot be written.
  func write(_ body: [UInt8]) {
    guard let path, !Host.write(CacheFile.magic + CacheFile.digest(body) + body, to: path) else { return }
    let isFirst = hasWarned.withLock { (warned: inout Bool) -> Bool in
      let isFirst = !warned
      warned = true
      return isFirst
    }
    if isFirst {
      Host.warn("\(path) cannot be written; pipelines are made anew in each process")
    }
  }

  private static func digest(_ bytes: [UInt8]) -> [UInt8] {
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * UInt64($0))) }
  }
}

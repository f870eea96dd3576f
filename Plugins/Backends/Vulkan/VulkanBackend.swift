public import AviaryTensor
import Synchronization

/// Any device with a Vulkan 1.2 driver. A plan becomes command buffers with the barriers that it needs and no others,
/// which are kept and submitted again while the same buffers are bound.
public final class VulkanBackend: Backend, Sendable {
  public static let id = "vulkan"
  public let capabilities: Capabilities
  let machine: Machine

  /// - Throws: `.device` without a loader or a usable device, and for one that fails its self-test unless
  ///   `extra["force-device"]` is `1`; `.config` for a device that does not exist.
  public convenience init(_ options: BackendOptions) throws(AviaryError) {
    if let compute = options.compute, compute != .f32 {
      throw AviaryError(.config, "compute: \(compute)", wanted: "f32, the arithmetic of this backend", at: "vulkan")
    }
    let validated = (options.extra["validate"] ?? Host.environment("AVIARY_VULKAN_VALIDATE")) == "1"
    let instance = try Instance.open(validated: validated)
    let devices = try instance.devices()
    let machine = try Machine.open(instance, try devices.chosen(options.device), DeviceOptions())
    let isForced = options.extra["force-device"] == "1"
    if !isForced { try SelfTest(machine).require() }
    self.init(machine, [("self-test", isForced ? "not run" : "passed"), ("devices", devices.map { "\($0.index) \($0.name)" }.joined(separator: "; "))])
  }

  init(_ machine: Machine, _ details: [(String, String)] = []) {
    self.machine = machine
    let info = machine.device.info
    capabilities = Capabilities(
      deviceName: info.isProcessor ? "\(info.name), which is a processor and no GPU" : info.name, details: info.details + details, memoryBytes: machine.device.memoryBytes,
      largestBufferBytes: info.largestAllocation, fusions: [.linear, .swiglu], weightTypes: Set([.f32, .f16, .bf16] + Planes.types))
  }

  /// Command buffers submitted so far, on this device.
  public var submissions: Int { machine.device.submissions.load(ordering: .relaxed) }

  public var submissionCount: Int? { submissions }

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { Support.verdict(op, dtypes) }

  /// Those that no kernel runs, and those whose operands are larger than this device's bindings and cannot be divided.
  public func refusals(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [(step: Int, reason: String)] {
    try machine.exclusively { (device) throws(AviaryError) in try Recording.refusals(device, plan, bindings) }
  }

  // MARK: Memory

  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    let device = machine.device
    guard device.info.isUnified, device.info.importAlignment != nil, !device.options.isStaged else { return nil }
    return AdoptedPages(device, pages, owner: owner)
  }

  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer {
    guard byteCount >= 0 else { throw AviaryError(.internal, "\(byteCount) bytes", at: "vulkan") }
    return try machine.exclusively { (device) throws(AviaryError) in
      let buffer = try VulkanBuffer(device, byteCount, .own)
      try device.clear(buffer)
      return buffer
    }
  }

  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) {
    guard let buffer = slice.buffer as? VulkanBuffer, slice.isWithin, bytes.count <= slice.byteCount else { throw Self.wrong(slice, "upload") }
    try machine.exclusively { (device) throws(AviaryError) in
      try device.unpack(buffer)
      try device.upload(bytes, to: buffer, slice.offset)
    }
  }

  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    guard slice.isWithin, slice.byteCount <= bytes.count else { throw Self.wrong(slice, "download") }
    let part = UnsafeMutableRawBufferPointer(rebasing: bytes[..<slice.byteCount])
    if let pages = slice.buffer as? AdoptedPages {
      return part.copyMemory(from: UnsafeRawBufferPointer(rebasing: pages.pages[slice.offset..<slice.offset + slice.byteCount]))
    }
    guard let buffer = slice.buffer as? VulkanBuffer else { throw Self.wrong(slice, "download") }
    try machine.exclusively { (device) throws(AviaryError) in
      try device.unpack(buffer)
      try device.download(buffer, slice.offset, into: part)
    }
  }

  private static func wrong(_ slice: BufferSlice, _ place: String) -> AviaryError {
    AviaryError(.internal, "a slice of \(slice.byteCount) bytes at \(slice.offset)", wanted: "a part of a buffer of this backend", at: place)
  }

  // MARK: Running

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try plan.validate(bindings)
    if cancel.isCancelled { throw AviaryError(.cancelled, "the run was cancelled") }
    try machine.run(plan, bindings, cancel)
  }
}

import AviaryTensor
import Synchronization

/// An open device with its pipelines and the recordings that it keeps: one per device and process.
final class Machine: @unchecked Sendable {
  // Unchecked: the recordings are used under the device's lock only.
  let device: Device
  let pipelines: Pipelines
  private var recordings: [Recording] = []
  private static let kept = 24
  /// Whether the self-test has been passed in this process.
  var isTrusted = false

  private struct Key: Hashable {
    let device: Int
    let isValidated: Bool
    let options: DeviceOptions
  }

  private static let machines = Mutex<[Key: Machine]>([:])

  init(_ device: Device, cacheFolder: String? = Machine.cacheFolder) {
    self.device = device
    pipelines = Pipelines(device, folder: cacheFolder)
  }

  static var cacheFolder: String? { Host.cacheFolder.map { "\($0)/aviary/vulkan" } }

  /// The device's one machine; a lost device is opened anew.
  static func open(_ instance: Instance, _ info: DeviceInfo, _ options: DeviceOptions) throws(AviaryError) -> Machine {
    let key = Key(device: info.index, isValidated: instance.isValidated, options: options)
    return try machines.withLock { (machines) throws(AviaryError) -> Machine in
      if let machine = machines[key], !machine.device.isLost { return machine }
      let machine = Machine(try Device(instance, info, options))
      machines[key] = machine
      return machine
    }
  }

  /// Whatever uses the queue, one after another.
  func exclusively<T>(_ body: (Device) throws(AviaryError) -> T) throws(AviaryError) -> T {
    if device.isLost { throw AviaryError(.device, "\(device.info.name) is lost", wanted: "the model to be loaded anew", at: "vulkan") }
    device.running.lock()
    defer { device.running.unlock() }
    return try body(device)
  }

  func run(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try exclusively { (device) throws(AviaryError) in
      let recording = try self.recording(plan, bindings)
      try recording.run(bindings, cancel)
    }
  }

  /// The plan's recording for these buffers: kept, or made now. The one not used for longest goes first.
  private func recording(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> Recording {
    let identity = Recording.identify(bindings)
    if let index = recordings.lastIndex(where: { $0.plan === plan && $0.identity == identity }) {
      let recording = recordings.remove(at: index)
      recordings.append(recording)
      return recording
    }
    // The same plan for other buffers: what they were is gone, or will be.
    recordings.removeAll { $0.plan === plan }
    if recordings.count >= Machine.kept { recordings.removeFirst() }
    let recording = try Recording(device, pipelines, plan, bindings)
    recordings.append(recording)
    return recording
  }
}

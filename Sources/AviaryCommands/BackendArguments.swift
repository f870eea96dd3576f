import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor
import Foundation

/// Flags that say where a model runs; each leaves the environment, the configuration file or the default alone when it
/// is not given.
struct BackendArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Read settings from a YAML file.", valueName: "file"))
  var config: String?
  @Option(help: "cpu, vulkan, reference, or any registered backend.")
  var backend: String?
  @Option(help: "Index, name or UUID of the backend's device.")
  var device: String?
  @Flag(help: "Use the device even where it fails its self-test.")
  var forceDevice = false
  @Option(help: ArgumentHelp("Run steps that the backend cannot on the processor, and print how many and why.", valueName: "cpu"))
  var split: String?
  @Option(help: "Worker threads (default: the machine's cores).")
  var threads: Int?
  @Option(help: "Arithmetic of products: auto (8-bit activations where weights are quantised, else f32), f32, or bf16 (faster, less precise).")
  var compute: String?

  @Option(help: "Store weights as keep, f32, f16 or bf16 while running (norms and the adapter are kept).")
  var weights: String?
  @Option(help: "The same for the vision encoder alone (default: what --weights says).")
  var visionWeights: String?
  @Option(help: "The same for the adapter alone (default: keep).")
  var adapterWeights: String?
  @OptionGroup var modules: ModuleArguments

  /// Flag beats environment beats file beats default.
  func settings() throws(AviaryError) -> Settings {
    var settings = Settings()
    if let config {
      let text = try TextFile.read(config)
      try settings.apply(yaml: text, name: config)
    }
    try settings.apply(environment: ProcessInfo.processInfo.environment)
    let flags: [(String, String?)] = [
      ("backend", backend), ("device", device), ("force_device", forceDevice ? "true" : nil), ("split", split), ("threads", threads.map(String.init)), ("compute", compute),
      ("weights", weights), ("vision_weights", visionWeights), ("adapter_weights", adapterWeights),
    ]
    for (key, value) in flags { if let value { try settings.set(key, [value], at: "--\(key.replacing("_", with: "-"))") } }
    try modules.apply(to: &settings)
    return settings
  }
}

extension Settings {
  /// The backend that these settings name.
  func openBackend() throws(AviaryError) -> any Backend {
    var options = BackendOptions()
    options.threads = threads
    options.device = device
    if forceDevice { options.extra["force-device"] = "1" }
    options.compute = compute
    let backends = try modules().backends
    let opened = try backends.open(backend, options)
    guard let split, split != backend else { return opened }
    var host = BackendOptions()
    host.threads = threads
    return SplitBackend(opened, helper: try backends.open(split, host)) { found in
      Console.error(found.text(helper: split))
    }
  }
}

extension Surroundings {
  /// The process's own.
  static var here: Surroundings { Surroundings(environment: ProcessInfo.processInfo.environment, home: NSHomeDirectory()) }
}

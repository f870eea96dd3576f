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
  @Option(help: "cpu, reference, or any registered backend.")
  var backend: String?
  @Option(help: "Index, name or UUID of the backend's device.")
  var device: String?
  @Option(help: "Worker threads (default: the machine's cores).")
  var threads: Int?
  @Option(help: "Arithmetic of large products: f32, or bf16 (faster, less precise).")
  var compute: String?

  /// Flag beats environment beats file beats default.
  func settings() throws(AviaryError) -> Settings {
    var settings = Settings()
    if let config {
      let text = try TextFile.read(config)
      try settings.apply(yaml: text, name: config)
    }
    try settings.apply(environment: ProcessInfo.processInfo.environment)
    let flags: [(String, String?)] = [
      ("backend", backend), ("device", device), ("threads", threads.map(String.init)), ("compute", compute),
    ]
    for (key, value) in flags { if let value { try settings.set(key, [value], at: "--\(key)") } }
    return settings
  }
}

extension Settings {
  /// The backend that these settings name.
  func openBackend() throws(AviaryError) -> any Backend {
    var options = BackendOptions()
    options.threads = threads
    options.device = device
    options.compute = compute
    return try Backends().open(backend, options)
  }
}

extension ModelLoader {
  /// In the process's own surroundings.
  static var here: ModelLoader {
    ModelLoader(Surroundings(environment: ProcessInfo.processInfo.environment, home: NSHomeDirectory()))
  }
}

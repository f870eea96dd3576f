import ArgumentParser
import AviaryRuntime
import AviaryTensor
import Foundation

/// Flags that say which families and machines there are.
struct ModuleArguments: ParsableArguments {
  @Option(help: ArgumentHelp("Load a shared library with a family or a backend; may be given several times.", valueName: "file"))
  var plugin: [String] = []

  /// Puts the flags over the settings.
  func apply(to settings: inout Settings) throws(AviaryError) {
    if !plugin.isEmpty { try settings.set("plugins", plugin, at: "--plugin") }
  }

  /// For commands that take no other settings.
  func settings() throws(AviaryError) -> Settings {
    var settings = Settings()
    try settings.apply(environment: ProcessInfo.processInfo.environment)
    try apply(to: &settings)
    return settings
  }
}

extension ModelLoader {
  /// With the program's families and those of `AVIARY_PLUGINS`, for commands that take no settings.
  static var here: ModelLoader {
    get throws(AviaryError) {
      var settings = Settings()
      try settings.apply(environment: ProcessInfo.processInfo.environment)
      return try settings.loader()
    }
  }
}

extension Modules {
  /// What the running program brings, before plugins.
  @TaskLocal static var ofProgram = Modules()
}

extension Settings {
  /// The program's families and machines, and those of the plugins that these settings name.
  func modules() throws(AviaryError) -> Modules { try Modules.ofProgram.loading(plugins) }

  /// Opens checkpoints with these families, in the process's own surroundings.
  func loader() throws(AviaryError) -> ModelLoader {
    var loader = ModelLoader(.here)
    loader.architectures = try modules().architectures
    return loader
  }
}

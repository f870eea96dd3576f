public import AviaryCore
public import AviaryTensor
import Foundation

/// A shared library that brings families or backends, as `aviary plugin` makes them.
///
/// It is code, and runs with all that the user may do: only a user's own configuration or flag names one, never a model's
/// folder.
public struct PluginLibrary: Sendable {
  /// The C function that a library is asked by; it gets a `PluginRegistrar`.
  public static let entry = "aviary_plugin_register"

  /// Where it lies, symbolic links resolved.
  public let path: String
  var name: String { path.split(separator: "/").last.map(String.init) ?? path }
  public let header: PluginHeader

  /// Reads what the library says of itself, without executing any of it.
  ///
  /// - Throws: `.file`, `.format`, `.config` where it is no plugin, or one of another build: with both numbers.
  public init(_ path: String, host: PluginHeader = .own) throws(AviaryError) {
    self.path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    header = try PluginHeader(file: self.path)
    guard header == host else {
      throw AviaryError(.config, "a plugin for \(header)", wanted: "one for this program's \(host): build it again", at: name)
    }
  }

  /// Loads the library and asks it what it brings. It stays loaded as long as the process runs: types of it live on in
  /// caches of the Swift runtime.
  ///
  /// - Throws: `.config` where the library cannot be loaded, has no entry point or brings nothing.
  public func register() throws(AviaryError) -> PluginRegistrar {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
      let reason = dlerror().map { String(cString: $0).replacing(path, with: name) } ?? "no reason given"
      throw AviaryError(.config, "it cannot be loaded: \(reason)", wanted: "a library made by `aviary plugin`", at: name)
    }
    guard let symbol = dlsym(handle, Self.entry) else {
      throw AviaryError(.config, "no function \(Self.entry)", wanted: "a library made by `aviary plugin`", at: name)
    }
    typealias Entry = @convention(c) (UnsafeMutableRawPointer) -> Void
    let registrar = PluginRegistrar()
    unsafeBitCast(symbol, to: Entry.self)(Unmanaged.passUnretained(registrar).toOpaque())
    guard !registrar.architectures.isEmpty || !registrar.backends.isEmpty else {
      throw AviaryError(.config, "it registers nothing", wanted: "an architecture or a backend", at: name)
    }
    return registrar
  }
}

/// Takes what a library brings, while its entry point runs.
public final class PluginRegistrar {
  public private(set) var architectures: [any Architecture.Type] = []
  public private(set) var backends: [any Backend.Type] = []

  init() {}

  /// The registrar that an entry point was given.
  public static func at(_ pointer: UnsafeMutableRawPointer) -> PluginRegistrar { Unmanaged<PluginRegistrar>.fromOpaque(pointer).takeUnretainedValue() }

  public func add(_ architecture: any Architecture.Type) { architectures.append(architecture) }
  public func add(_ backend: any Backend.Type) { backends.append(backend) }
}

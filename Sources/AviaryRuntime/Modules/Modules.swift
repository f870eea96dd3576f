import Architectures
public import AviaryCore
public import AviaryTensor

/// The families and machines that a program has: those of this build, and those that somebody registers beside them,
/// from their own code or from a shared library.
public struct Modules: Sendable {
  public private(set) var architectures: [any Architecture.Type]
  public private(set) var backends: Backends

  /// Those of this build.
  public init() {
    architectures = Architectures.all
    backends = Backends()
  }

  /// Registers a family. It is asked before those of this build whether a checkpoint is its own.
  ///
  /// - Throws: `.config` where its `id` is taken.
  public mutating func add(_ architecture: any Architecture.Type, from place: String = "") throws(AviaryError) {
    guard !architectures.contains(where: { $0.id == architecture.id }) else {
      throw AviaryError(.config, "a second family of the name \(architecture.id)", wanted: "a name that is free", at: place)
    }
    architectures.insert(architecture, at: architectures.count - Architectures.all.count)
  }

  /// Registers a machine.
  ///
  /// - Throws: `.config` where its `id` is taken.
  public mutating func add(_ backend: any Backend.Type, from place: String = "") throws(AviaryError) {
    guard !backends.all.contains(where: { $0.id == backend.id }) else {
      throw AviaryError(.config, "a second backend of the name \(backend.id)", wanted: "a name that is free", at: place)
    }
    backends.all.append(backend)
  }

  /// These and more, in order.
  public func adding(
    architectures: [any Architecture.Type] = [], backends: [any Backend.Type] = [], from place: String = ""
  ) throws(AviaryError) -> Modules {
    var more = self
    for architecture in architectures { try more.add(architecture, from: place) }
    for backend in backends { try more.add(backend, from: place) }
    return more
  }

  /// These and what shared libraries register; a library that is named twice counts once.
  ///
  /// - Throws: as `PluginLibrary`; `.config` where a library registers a name that is taken.
  public func loading(_ libraries: [String]) throws(AviaryError) -> Modules {
    var more = self
    var seen: Set<String> = []
    for path in libraries {
      let library = try PluginLibrary(path)
      guard seen.insert(library.path).inserted else { continue }
      let found = try library.register()
      more = try more.adding(architectures: found.architectures, backends: found.backends, from: library.name)
    }
    return more
  }
}

public import AviaryTensor
import BackendCPU
import BackendVulkan

/// The backends of this build by their ids; a program may register more.
public struct Backends: Sendable {
  public var all: [any Backend.Type] = [CPUBackend.self, VulkanBackend.self, Reference.self]

  public init() {}

  /// Opens a backend.
  ///
  /// - Throws: `.config` that lists the known ones.
  public func open(_ id: String, _ options: BackendOptions) throws(AviaryError) -> any Backend {
    guard let type = all.first(where: { $0.id == id }) else {
      throw AviaryError(.config, "no backend \(id)", wanted: "one of " + all.map { $0.id }.joined(separator: ", "))
    }
    return try type.init(options)
  }
}

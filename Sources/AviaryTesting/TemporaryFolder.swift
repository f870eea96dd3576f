public import AviaryCore
import AviaryFormats
import Foundation

/// A folder that is gone when the value is.
public final class TemporaryFolder: Sendable {
  public let path: String

  public init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("aviary-" + UUID().uuidString)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Writes a file, making its folders.
  public func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: path).appendingPathComponent(name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Writes a file beside the others; gives its path.
  public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path).appendingPathComponent(name))
    return "\(path)/\(name)"
  }

  public func write(_ name: String, _ json: JSONValue) throws { try write(name, JSONWriter.text(json)) }

  /// Copies a folder's content, without the files that `leavingOut` names.
  public func copy(_ source: String, leavingOut isUnwanted: (String) -> Bool = { _ in false }) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: source) where !isUnwanted(name) {
      try FileManager.default.copyItem(atPath: "\(source)/\(name)", toPath: "\(path)/\(name)")
    }
  }

  /// Removes the files whose paths below the folder are unwanted.
  public func remove(_ isUnwanted: (String) -> Bool) throws {
    for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }) ?? [] where isUnwanted(name) {
      try FileManager.default.removeItem(atPath: "\(path)/\(name)")
    }
  }
}

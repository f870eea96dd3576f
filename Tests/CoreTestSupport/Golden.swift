import Foundation

/// The recorded reference runs: beside the package, or where `AVIARY_GOLDEN` says; and the few of them that the
/// repository carries itself.
public enum Golden {
  private static let package = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  public static let folder: String =
    ProcessInfo.processInfo.environment["AVIARY_GOLDEN"]
    ?? package.deletingLastPathComponent().appendingPathComponent("shared/golden").path
  /// Copies in the repository, for a machine that has only the clone.
  public static let ownFolder = package.appendingPathComponent("Tests/Golden").path

  /// Folders of the cases whose names begin with one of these, from both places.
  public static func cases(_ prefixes: String...) -> [String] {
    [folder, ownFolder].flatMap { root in
      let names = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted()
      return names.filter { name in
        prefixes.contains { name.hasPrefix($0) } && FileManager.default.fileExists(atPath: "\(root)/\(name)/request.json")
      }.map { "\(root)/\($0)" }
    }
  }

  /// The folder of that case, or nil where this machine does not have it.
  public static func find(_ name: String) -> String? { cases(name).first { $0.hasSuffix("/" + name) } }
  public static func has(_ name: String) -> Bool { find(name) != nil }
}

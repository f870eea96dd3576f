public import AviaryTensor

/// The one way from a name in a file to a path: the name may not leave its folder.
public enum ContainedPath {
  /// The path of what `name` means in `folder`.
  ///
  /// Links count by where they lead: within the folder, or, where the folder is a snapshot of the Hugging Face cache,
  /// into the blobs of the same model.
  ///
  /// - Parameter place: what names it, for the error: "config.json".
  /// - Throws: `.file` where it does not exist; `.format` where the name, or a link in it, leaves the folder.
  public static func resolve(_ name: String, in folder: String, at place: String = "") throws(AviaryError) -> String {
    guard let path = try find(name, in: folder, at: place) else {
      throw AviaryError(.file, "there is no \(quoted(name))", wanted: "it in the folder", at: place)
    }
    return path
  }

  /// As `resolve`, with nil for what does not exist.
  public static func find(_ name: String, in folder: String, at place: String) throws(AviaryError) -> String? {
    let parts = try components(name, at: place)
    guard let root = FileSystem.realPath(folder) else { return nil }
    let path = FileSystem.join(folder, parts.joined(separator: "/"))
    guard let real = FileSystem.realPath(path) else { return nil }
    guard isInside(real, root) || blobs(of: root).map({ isInside(real, $0) }) ?? false else {
      throw AviaryError(
        .format, "\(quoted(name)) is a link out of its folder", wanted: "a path inside of it", at: place)
    }
    return path
  }

  /// The parts of a relative path that stays where it is; `.` is left out.
  ///
  /// - Throws: `.format` for an absolute path, `..`, a backslash, a control character, or nothing at all.
  static func components(_ name: String, at place: String) throws(AviaryError) -> [String] {
    let parts = name.split(separator: "/").map(String.init).filter { $0 != "." }
    let isOdd = name.unicodeScalars.contains { $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F }
    guard !parts.isEmpty, !isOdd, !name.hasPrefix("/"), !parts.contains(".."), name.utf8.count <= 1_024 else {
      throw AviaryError(
        .format, "the path \(quoted(name)) leaves its folder, or is none", wanted: "a relative path without `..`",
        at: place)
    }
    return parts
  }

  private static func isInside(_ path: String, _ root: String) -> Bool {
    path == root || path.hasPrefix(root.hasSuffix("/") ? root : root + "/")
  }

  /// The folder `blobs` of a model in the Hugging Face cache, given its `models--…/snapshots/<commit>`.
  private static func blobs(of root: String) -> String? {
    let snapshots = FileSystem.parent(root)
    let model = FileSystem.parent(snapshots)
    guard FileSystem.lastComponent(snapshots) == "snapshots",
      FileSystem.lastComponent(model).hasPrefix("models--")
    else { return nil }
    return FileSystem.join(model, "blobs")
  }
}

public import AviaryTensor

/// The one place that turns what a user or a configuration calls a model into a path. It opens no socket.
public enum ModelPath {
  /// The folder or file that a user's model argument means: a path (`~` for the home folder), or `org/name[@revision]`
  /// in the Hugging Face cache.
  ///
  /// - Parameters:
  ///   - environment: the process's variables, of which those of `HubCache` count.
  ///   - home: the user's home folder.
  /// - Throws: `.file` with all places that were looked at; `.request` where it is neither a path nor a name.
  public static func resolve(
    _ argument: String, environment: [String: String], home: String
  ) throws(AviaryError) -> String {
    guard !argument.isEmpty, !argument.utf8.contains(0), argument.utf8.count <= 4_096 else {
      throw AviaryError(.request, "the model \(quoted(argument)) is no path", wanted: "a folder, a file, or `org/name`")
    }
    let path = expandHome(argument, home: home)
    switch FileSystem.kind(path) {
    case .file, .folder: return path
    case .other: throw AviaryError(.file, "\(quoted(argument)) is neither a folder nor a file")
    case .missing: break
    }
    let missing = "there is no folder or file \(quoted(path))"
    let isPlainlyPath = path.hasPrefix("/") || path.hasPrefix("./") || path.hasPrefix("../") || path.hasSuffix("/")
    guard !isPlainlyPath else { throw AviaryError(.file, missing) }
    let name: HubName
    do throws(AviaryError) { name = try HubName(argument) } catch {
      throw AviaryError(.file, "\(missing), and \(error.found)", wanted: "a path, or \(error.wanted)")
    }
    let cache = HubCache(environment: environment, home: home)
    guard let snapshot = try cache.snapshot(name) else {
      throw AviaryError(.file, "\(missing), and \(lacks(cache, name))")
    }
    return snapshot
  }

  /// The folder or file of a vision tower that a checkpoint names: inside the model's folder (`./vit/…`), beside it
  /// (`openai/clip-…`), or in the Hugging Face cache, in this order.
  ///
  /// - Throws: `.file` with all places that were looked at; `.format` where the name leaves those folders.
  public static func resolveTower(
    _ name: String, modelFolder: String, environment: [String: String], home: String
  ) throws(AviaryError) -> String {
    let place = "the model's vision tower"
    var tried = [modelFolder]
    if let path = try ContainedPath.find(name, in: modelFolder, at: place) { return path }
    if let folder = FileSystem.realPath(modelFolder) {
      let beside = FileSystem.parent(folder)
      tried.append(beside)
      if let path = try ContainedPath.find(name, in: beside, at: place) { return path }
    }
    var found = "there is no \(quoted(name)) in " + tried.map(quoted).joined(separator: " nor in ")
    if let hubName = try? HubName(name) {
      let cache = HubCache(environment: environment, home: home)
      if let snapshot = try cache.snapshot(hubName) { return snapshot }
      found += ", and \(lacks(cache, hubName))"
    }
    throw AviaryError(.file, found, wanted: "its folder in one of them", at: place)
  }

  private static func lacks(_ cache: HubCache, _ name: HubName) -> String {
    "the Hugging Face cache \(quoted(cache.folder)) has no \(quoted(name.repository)) at revision \(quoted(name.revision))"
  }

  /// `~` and `~/…` with the home folder in its place.
  static func expandHome(_ path: String, home: String) -> String {
    path == "~" || path.hasPrefix("~/") ? home + path.dropFirst() : path
  }
}

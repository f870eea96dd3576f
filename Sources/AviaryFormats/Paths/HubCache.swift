public import AviaryTensor

/// A model's name on the Hugging Face hub: `org/name`, `name`, either with `@revision`.
public struct HubName: Sendable, Hashable {
  /// `org/name` or `name`.
  public let repository: String
  /// A branch, a tag, `refs/pr/1` or a commit.
  public let revision: String

  /// - Throws: `.request` where the text is no such name: other characters than letters, digits, `.`, `_`, `-`, a part that
  ///   begins with a dot or dash, `..` or `--`, more than 96 characters.
  public init(_ text: String) throws(AviaryError) {
    let halves = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let repository = halves.first ?? ""
    let revision = halves.count == 2 ? halves[1] : "main"
    let names = repository.split(separator: "/", omittingEmptySubsequences: false)
    let steps = revision.split(separator: "/", omittingEmptySubsequences: false)
    guard names.count <= 2, names.allSatisfy({ HubName.isPlain($0) && !$0.contains("--") }),
      steps.count <= 8, steps.allSatisfy(HubName.isPlain)
    else {
      throw AviaryError(
        .request, "\(quoted(text)) is no name of a model", wanted: "`org/name` or `org/name@revision`")
    }
    self.repository = repository
    self.revision = revision
  }

  private static func isPlain(_ part: Substring) -> Bool {
    guard let first = part.utf8.first, first != UInt8(ascii: "."), first != UInt8(ascii: "-"), part.utf8.count <= 96
    else {
      return false
    }
    return !part.contains("..")
      && part.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}

/// The Hugging Face cache of this user, read only and never over the network.
public struct HubCache: Sendable {
  /// Where it lies: `HF_HUB_CACHE`, else `HF_HOME/hub`, else `XDG_CACHE_HOME/huggingface/hub`, else
  /// `~/.cache/huggingface/hub`, as `huggingface_hub` has it.
  public let folder: String

  /// - Parameters:
  ///   - environment: the process's variables.
  ///   - home: the user's home folder.
  public init(environment: [String: String], home: String) {
    func value(_ key: String) -> String? {
      environment[key].flatMap { $0.isEmpty ? nil : ModelPath.expandHome($0, home: home) }
    }
    folder =
      value("HF_HUB_CACHE") ?? value("HF_HOME").map { FileSystem.join($0, "hub") }
      ?? FileSystem.join(value("XDG_CACHE_HOME") ?? FileSystem.join(home, ".cache"), "huggingface/hub")
  }

  /// The folder of a model's files, or nil where the cache does not have that revision.
  ///
  /// - Throws: `.format` where the cache's own records are damaged or lead out of it.
  public func snapshot(_ name: HubName) throws(AviaryError) -> String? {
    let model = "models--" + name.repository.split(separator: "/").joined(separator: "--")
    if HubCache.isCommit(name.revision) {
      return try ContainedPath.find("\(model)/snapshots/\(name.revision)", in: folder, at: "Hugging Face cache")
    }
    let reference = "\(model)/refs/\(name.revision)"
    guard let path = try ContainedPath.find(reference, in: folder, at: "Hugging Face cache") else { return nil }
    let file = try MappedFile(path: path)
    let text = withExtendedLifetime(file) { utf8Text(UnsafeRawBufferPointer(rebasing: file.bytes.prefix(100))) ?? "" }
    let commit = String(text.filter { !$0.isWhitespace })
    guard HubCache.isCommit(commit) else {
      throw AviaryError(
        .format, "it holds \(quoted(commit))", wanted: "a commit of 40 hexadecimal digits", at: reference)
    }
    return try ContainedPath.find("\(model)/snapshots/\(commit)", in: folder, at: "Hugging Face cache")
  }

  private static func isCommit(_ text: String) -> Bool {
    text.utf8.count == 40
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}

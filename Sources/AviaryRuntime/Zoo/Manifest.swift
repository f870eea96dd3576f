public import AviaryCore
public import AviaryTensor

/// A published checkpoint as the zoo knows it: where its weights are published, under which licence, and its
/// configuration. Data only; no code belongs to it.
public struct Manifest: Sendable {
  public let name: String
  /// The `id` of the architecture that runs it.
  public let family: String
  /// `org/name` on the Hugging Face hub; the folder for a checkpoint that lies in the zoo.
  public let repository: String
  /// Where the whole checkpoint lies, for one that comes with the zoo: a folder beside its manifest.
  public let folder: String?
  public let licence: String
  /// What to fetch of the repository: names, `*` for any part of one.
  public let files: [String]
  /// Which prompt form it was trained with: a style's name, or `template` for the checkpoint's own chat template.
  public let promptStyle: String
  /// Numbers in its weights.
  public let parameters: Double
  /// Downloads of other publishers that it is put together from, in the order of their names.
  public let parts: [Part]
  let json: JSONValue

  /// A part of a composed checkpoint.
  public struct Part: Sendable, Hashable {
    /// What it is for.
    public let name: String
    /// Where it belongs in the checkpoint's folder; `.` for files beside the others.
    public let folder: String
    public let repository: String
    public let licence: String
    public let files: [String]
  }

  static let keys = ["name", "family", "repository", "folder", "licence", "files", "prompt", "parameters", "parts", "configuration"]
  private static let partKeys = ["folder", "repository", "licence", "files"]

  /// Reads a manifest.
  ///
  /// - Throws: `.config` with the key path of what is missing, wrong or unknown; `.file`, `.format`.
  public init(path: String, limits: Limits = .standard) throws(AviaryError) {
    let file = path.split(separator: "/").last.map(String.init) ?? path
    try self.init(text: try TextFile.read(path, limits: limits), file: file, beside: String(path.dropLast(file.count)), limits: limits)
  }

  /// Reads the text of a manifest.
  ///
  /// - Parameters:
  ///   - file: its name, for errors.
  ///   - place: path of its folder, with a slash at the end, or empty.
  init(text: String, file: String, beside place: String = "", limits: Limits = .standard) throws(AviaryError) {
    json = try YAMLFile.parse(text, name: file, limits: limits)
    let c = try ConfigReader(json, place: file)
    for key in json.object?.keys ?? [] where !Manifest.keys.contains(key) {
      throw AviaryError(.config, "unknown key \(key)", wanted: "\(Nearest.to(key, among: Manifest.keys)), perhaps", at: file)
    }
    name = try c.string("name")
    family = try c.string("family")
    let own = try c.optionalString("folder")
    if let own, own.isEmpty || own.contains("/") || own.hasPrefix(".") {
      throw AviaryError(.config, "the folder \(own)", wanted: "the name of one beside the manifest", at: "\(file): folder")
    }
    folder = own.map { place + $0 }
    if let own { repository = "Zoo/" + own } else { repository = try c.string("repository") }
    licence = try c.string("licence")
    files = try c.strings("files")
    promptStyle = try c.string("prompt")
    parameters = try c.number("parameters", in: 1...1e13)
    var parts: [Part] = []
    if let named = try c.object("parts") {
      for key in named.json.object?.keys.sorted() ?? [] {
        guard let part = try named.object(key) else { throw AviaryError(.config, "nothing", wanted: "a part", at: "\(file): parts.\(key)") }
        for word in part.json.object?.keys ?? [] where !Manifest.partKeys.contains(word) {
          throw AviaryError(.config, "unknown key \(word)", wanted: "\(Nearest.to(word, among: Manifest.partKeys)), perhaps", at: part.place)
        }
        let files = try part.strings("files")
        guard !files.isEmpty else { throw AviaryError(.config, "no files", wanted: "the names of its files", at: "\(part.place): files") }
        parts.append(
          Part(
            name: key, folder: try part.string("folder"), repository: try part.string("repository"), licence: try part.string("licence"), files: files))
      }
    }
    self.parts = parts
    let configuration = try c.object("configuration")
    guard own != nil || configuration?.has("config.json") == true else {
      throw AviaryError(.config, "no config.json", wanted: "the model's configuration", at: "\(file): configuration")
    }
  }

  /// Bytes of the weights when stored as `dtype`.
  public func bytes(as dtype: DType) -> Double { parameters * Double(dtype.blockBytes) / Double(dtype.blockElements) }
}

/// A manifest in the place of a checkpoint's folder: it has the configuration, and no weights.
struct ManifestFolder: ModelFolder {
  let manifest: Manifest
  init(_ manifest: Manifest) { self.manifest = manifest }

  var name: String { manifest.name }

  func json(_ file: String) throws(AviaryError) -> JSONValue? { manifest.json["configuration"]?[file] }

  func weights() throws(AviaryError) -> any WeightSource {
    throw AviaryError(
      .file, "\(manifest.name) is a manifest, without weights",
      wanted: "the folder of \(manifest.repository) (licence: \(manifest.licence)), or --random to measure speed", at: manifest.name)
  }

  /// Parts stand in the same file under `configuration`, by `part/file` names; a configuration may begin them with `./`.
  func part(_ name: String) throws(AviaryError) -> any ModelFolder {
    ManifestPart(manifest: manifest, part: name.hasPrefix("./") ? String(name.dropFirst(2)) : name)
  }

  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer { throw AviaryError(.file, "\(manifest.name) is a manifest, without a tokenizer") }
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

private struct ManifestPart: ModelFolder {
  let manifest: Manifest
  let part: String
  var name: String { part }
  func json(_ file: String) throws(AviaryError) -> JSONValue? { manifest.json["configuration"]?["\(part)/\(file)"] }
  func weights() throws(AviaryError) -> any WeightSource { try ManifestFolder(manifest).weights() }
  func part(_ name: String) throws(AviaryError) -> any ModelFolder { ManifestPart(manifest: manifest, part: "\(part)/\(name)") }
  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer { try ManifestFolder(manifest).tokenizer() }
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

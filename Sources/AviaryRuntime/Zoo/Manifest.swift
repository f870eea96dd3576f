public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// A published checkpoint as the zoo knows it: where its weights are published, under which licence, and its
/// configuration. Data only; no code belongs to it.
public struct Manifest: Sendable {
  public let name: String
  public let family: String
  /// `org/name` on the Hugging Face hub.
  public let repository: String
  public let licence: String
  public let files: [String]
  /// Which prompt form it was trained with.
  public let promptStyle: String
  /// Numbers in its weights.
  public let parameters: Double
  /// Other repositories that it needs, by what they are for.
  public let parts: [String: String]
  let json: JSONValue

  /// Reads a manifest.
  ///
  /// - Throws: `.config` with the key path of what is missing or wrong.
  public init(path: String, limits: Limits = .standard) throws(AviaryError) {
    let file = try MappedFile(path: path)
    guard file.bytes.count <= limits.configBytes else {
      throw AviaryError(.limit, "a file of \(file.bytes.count) bytes", wanted: "at most \(limits.configBytes)", at: file.name)
    }
    let text = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
    json = try YAMLFile.parse(text, name: file.name, limits: limits)
    let c = try ConfigReader(json, place: file.name)
    name = try c.string("name")
    family = try c.string("family")
    repository = try c.string("repository")
    licence = try c.string("licence")
    files = try c.strings("files")
    promptStyle = try c.string("prompt")
    parameters = try c.number("parameters", in: 1...1e13)
    var parts: [String: String] = [:]
    for (key, value) in try c.object("parts")?.json.object?.members ?? [] { parts[key] = value.string }
    self.parts = parts
  }

  /// Bytes of the weights when stored as `dtype`.
  public func bytes(as dtype: DType) -> Double { parameters * Double(dtype.blockBytes) }
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

  /// Parts stand in the same file under `configuration`, by `part/file` names.
  func part(_ name: String) throws(AviaryError) -> any ModelFolder { ManifestPart(manifest: manifest, part: name) }

  func tokenizer() throws(AviaryError) -> any Tokenizer { throw AviaryError(.file, "\(manifest.name) is a manifest, without a tokenizer") }
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

private struct ManifestPart: ModelFolder {
  let manifest: Manifest
  let part: String
  var name: String { part }
  func json(_ file: String) throws(AviaryError) -> JSONValue? { manifest.json["configuration"]?["\(part)/\(file)"] }
  func weights() throws(AviaryError) -> any WeightSource { try ManifestFolder(manifest).weights() }
  func part(_ name: String) throws(AviaryError) -> any ModelFolder { ManifestPart(manifest: manifest, part: "\(part)/\(name)") }
  func tokenizer() throws(AviaryError) -> any Tokenizer { try ManifestFolder(manifest).tokenizer() }
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

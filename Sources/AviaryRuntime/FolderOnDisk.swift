import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText
import Foundation

/// A checkpoint's folder on this machine.
struct FolderOnDisk: ModelFolder {
  let path: String
  let surroundings: Surroundings
  let limits: Limits

  var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  func json(_ file: String) throws(AviaryError) -> JSONValue? {
    guard let path = try ContainedPath.find(file, in: path, at: name) else { return file == "config.json" ? try LavisConfig.read(self) : nil }
    let isConfig = !["tokenizer.json", "vocab.json"].contains(file)
    return try JSONParser.parse(file: path, maxBytes: isConfig ? limits.configBytes : limits.jsonBytes, limits: limits)
  }

  /// A whole file's bytes, at most `maxBytes` of them.
  func bytes(_ file: String, maxBytes: Int) throws(AviaryError) -> [UInt8]? {
    guard let path = try ContainedPath.find(file, in: path, at: name) else { return nil }
    let mapped = try MappedFile(path: path)
    guard mapped.bytes.count <= maxBytes else {
      throw AviaryError(.limit, "a file of \(mapped.bytes.count) bytes", wanted: "at most \(maxBytes)", at: file)
    }
    return withExtendedLifetime(mapped) { Array(mapped.bytes) }
  }

  /// Names of the files in the folder that end so, sorted.
  func files(ending: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(ending) }.sorted()
  }

  func yaml(_ file: String) throws(AviaryError) -> JSONValue? {
    guard let bytes = try bytes(file, maxBytes: limits.configBytes) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw AviaryError(.format, "not UTF-8 text", at: file) }
    return try YAMLFile.parse(text, name: file, limits: limits)
  }

  func weights() throws(AviaryError) -> any WeightSource { try Checkpoint.open(path, limits: limits) }

  func weights(file: String) throws(AviaryError) -> any WeightSource {
    try Checkpoint.open(file: try ContainedPath.resolve(file, in: path, at: name), limits: limits)
  }

  func part(_ name: String) throws(AviaryError) -> any ModelFolder {
    let path = try ModelPath.resolveTower(name, modelFolder: path, environment: surroundings.environment, home: surroundings.home)
    return FolderOnDisk(path: path, surroundings: surroundings, limits: limits)
  }

  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer { try FolderTokenizer.load(self, adding: tokens) }

  /// `chat_template.jinja`, `chat_template.json`, or the tokenizer's own, in the order in which Hugging Face looks.
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { try FolderTemplate.load(self) }
}

/// What a process stands in: its environment and the user's home folder. A value, so that tests can make one.
public struct Surroundings: Sendable {
  public var environment: [String: String]
  public var home: String
  public init(environment: [String: String], home: String) {
    self.environment = environment
    self.home = home
  }
}

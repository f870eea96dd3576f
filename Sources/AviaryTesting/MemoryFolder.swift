public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// A checkpoint's folder in memory: JSON files by name, other parts by theirs.
public struct MemoryFolder: ModelFolder {
  public let name: String
  public var files: [String: String]
  public var parts: [String: MemoryFolder]
  public var source: MemoryWeights?

  public init(_ name: String = "folder", _ files: [String: String] = [:], parts: [String: MemoryFolder] = [:], source: MemoryWeights? = nil) {
    self.name = name
    self.files = files
    self.parts = parts
    self.source = source
  }

  public func json(_ file: String) throws(AviaryError) -> JSONValue? {
    guard let text = files[file] else { return nil }
    return try JSONParser.parse(Array(text.utf8), name: file)
  }
  public func weights() throws(AviaryError) -> any WeightSource {
    guard let source else { throw AviaryError(.file, "no weights", at: name) }
    return source
  }
  public func part(_ name: String) throws(AviaryError) -> any ModelFolder {
    guard let part = parts[name] else { throw AviaryError(.file, "no part \(name)", at: self.name) }
    return part
  }
  public func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer { ByteTokenizer() }
  public func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

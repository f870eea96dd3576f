public import AviaryTensor

/// A model family: reads its configuration, names its tensors, builds its model, prepares its input. One folder under
/// Plugins/Architectures each; the registry finds it by the folder's name.
public protocol Architecture: Sendable {
  associatedtype Config: Sendable
  associatedtype Model: MultimodalModel

  /// The word for it in messages and manifests.
  static var id: String { get }
  /// Values of `model_type` and `architectures` that it may be asked about.
  static var claims: [String] { get }
  /// Whether this configuration is one of its own. Families share `model_type` values (`llava` is also Yi-VL's), so
  /// each looks at declared markers; the default accepts whatever `claims` names.
  static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool
  /// Whether a folder holds one of its own. By default its `config.json` says so; a family whose checkpoints have none
  /// looks for other marks.
  static func recognises(_ folder: any ModelFolder) throws(AviaryError) -> Bool
  /// The configuration, read and checked.
  static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config
  /// The tensors, under the names that `model` asks for.
  static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap)
  static func model(_ config: Config, _ weights: Weights) throws(AviaryError) -> Model
  static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor
  /// Runs a part of a model alone on recorded inputs, for parity checks of parts that no published model shows.
  ///
  /// - Returns: what it computes, under the recorded names.
  static func component(_ folder: any ModelFolder, _ recorded: [RecordedTensor], on backend: any Backend) throws(AviaryError) -> [RecordedTensor]
}

extension Architecture {
  public static func recognises(_ config: ConfigReader) throws(AviaryError) -> Bool {
    let names = try config.strings("architectures") + [config.string("model_type", default: "")]
    return names.contains { claims.contains($0) }
  }

  public static func recognises(_ folder: any ModelFolder) throws(AviaryError) -> Bool {
    guard let config = try folder.optionalConfig("config.json") else { return false }
    return try recognises(config)
  }

  public static func component(_ folder: any ModelFolder, _ recorded: [RecordedTensor], on backend: any Backend) throws(AviaryError) -> [RecordedTensor] {
    throw AviaryError(.request, "\(id) has no parts that run alone", wanted: "a whole model", at: folder.name)
  }
}

/// A checkpoint's folder as an architecture sees it: parsed files by name, its weights, its neighbours.
public protocol ModelFolder: Sendable {
  /// For messages: the folder's own name.
  var name: String { get }
  /// A parsed JSON file, or nil where there is none.
  func json(_ file: String) throws(AviaryError) -> JSONValue?
  func weights() throws(AviaryError) -> any WeightSource
  /// One file of weights, where a family publishes them under names of its own.
  func weights(file: String) throws(AviaryError) -> any WeightSource
  /// Another part of a composed checkpoint by the name that the configuration gives it: inside this folder, beside
  /// it, or in the Hugging Face cache.
  func part(_ name: String) throws(AviaryError) -> any ModelFolder
  /// - Parameter tokens: control tokens that the model's code adds to those of the files, in the order of their ids.
  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer
  /// False for weights alone, which have a speed but no words.
  var hasTokenizer: Bool { get }
  /// The checkpoint's own chat template, where it has one.
  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)?
}

extension ModelFolder {
  public func tokenizer() throws(AviaryError) -> any Tokenizer { try tokenizer(adding: []) }
  public var hasTokenizer: Bool { true }
  /// As `weights()`, for folders without files.
  public func weights(file: String) throws(AviaryError) -> any WeightSource { try weights() }

  /// A configuration file that must be there.
  public func config(_ file: String = "config.json") throws(AviaryError) -> ConfigReader {
    guard let json = try json(file) else { throw AviaryError(.file, "no \(file)", wanted: "a model folder with \(file)", at: name) }
    return try ConfigReader(json, place: file)
  }

  /// A configuration file that may be absent.
  public func optionalConfig(_ file: String) throws(AviaryError) -> ConfigReader? {
    guard let json = try json(file) else { return nil }
    return try ConfigReader(json, place: file)
  }
}

/// Turns a conversation into prompt text whose parts remember where they came from.
public protocol PromptTemplate: Sendable {
  /// - Parameter imageMarker: stands for a picture where the template reads a message's content as one text.
  func render(_ messages: [ChatMessage], addGenerationPrompt: Bool, imageMarker: String?) throws(AviaryError) -> MarkedText
}

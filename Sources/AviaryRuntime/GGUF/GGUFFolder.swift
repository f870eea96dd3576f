import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText
import Foundation

/// A GGUF file as a checkpoint's folder: its metadata stand for the configuration files, its tensors bear the names of
/// those who published the model. A projector file beside it gives it eyes.
struct GGUFFolder: ModelFolder {
  let name: String
  private let file: GGUFFile
  private let config: GGUFConfig
  private let vocabulary: GGUFVocabulary
  private let eyes: GGUFEyes?
  private let limits: Limits

  /// - Parameter path: of a `.gguf` file; of the first part where it is split.
  init(path: String, limits: Limits) throws(AviaryError) {
    file = try GGUFFile(path: path, limits: limits)
    name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    config = try GGUFConfig(file)
    vocabulary = try GGUFVocabulary(file)
    eyes = try GGUFFolder.projector(beside: path).map { (path) throws(AviaryError) in try GGUFEyes(GGUFFile(path: path, limits: limits)) }
    self.limits = limits
  }

  /// The file beside this of the name `mmproj-NAME.gguf`, else the one whose name begins with `mmproj`.
  ///
  /// - Throws: `.file` where there are several.
  private static func projector(beside path: String) throws(AviaryError) -> String? {
    let url = URL(fileURLWithPath: path)
    let folder = url.deletingLastPathComponent()
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
      .filter { $0.hasPrefix("mmproj") && $0.hasSuffix(".gguf") && $0 != url.lastPathComponent }
    if names.contains("mmproj-" + url.lastPathComponent) { return folder.appendingPathComponent("mmproj-" + url.lastPathComponent).path }
    guard names.count <= 1 else {
      throw AviaryError(.file, "several projector files beside it: \(names.sorted().joined(separator: ", "))", wanted: "one, or mmproj-\(url.lastPathComponent)", at: url.lastPathComponent)
    }
    return names.first.map { folder.appendingPathComponent($0).path }
  }

  func json(_ file: String) throws(AviaryError) -> JSONValue? {
    switch file {
    case "config.json":
      var c = try config.json()
      if let eyes {
        try eyes.complete(&c, width: config.sizes.width)
        // The families with eyes go by the marker of LLaVA.
        c = c.replacing("model_type", with: .string("llava"))
      }
      return .object(c)
    case "generation_config.json":
      var c = JSONObject()
      c.append("eos_token_id", .array(try vocabulary.stops().map(JSONValue.int)))
      return .object(c)
    default: return nil
    }
  }

  func weights() throws(AviaryError) -> any WeightSource {
    let language = RenamedSource(file, GGUFNames.map(config.architecture, layers: config.sizes.layers))
    guard let eyes else { return language }
    return try MergedSource([.init(language), .init(eyes.projector())])
  }

  func part(_ name: String) throws(AviaryError) -> any ModelFolder {
    if let eyes, name == GGUFEyes.towerName { return eyes }
    throw AviaryError(.file, "no projector file mmproj*.gguf", wanted: "one beside the model", at: self.name)
  }

  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer {
    try vocabulary.tokenizer(adding: tokens, limits: limits)
  }

  var hasTokenizer: Bool { !vocabulary.isAbsent }

  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? {
    let key = "tokenizer.chat_template"
    guard let source = try file.metadata.optionalString(key) else { return nil }
    var variables: [String: TemplateVariable] = [:]
    for (name, id) in [("bos_token", "bos_token_id"), ("eos_token", "eos_token_id"), ("unk_token", "unknown_token_id"), ("pad_token", "padding_token_id")] {
      if let text = vocabulary.spelling(of: id) { variables[name] = .trusted(text) }
    }
    return FolderTemplate(template: try ChatTemplate(source: source, limits: limits, name: key), variables: variables)
  }
}

extension JSONObject {
  fileprivate func replacing(_ key: String, with value: JSONValue) -> JSONObject {
    var object = JSONObject()
    for member in members { object.append(member.key, member.key == key ? value : member.value) }
    return object
  }
}

import AviaryCore
import AviaryTensor
import AviaryText

/// The chat template of a folder: `chat_template.jinja`, `chat_template.json`, or the tokenizer's own, in the order in
/// which Hugging Face looks.
struct FolderTemplate: PromptTemplate {
  let template: ChatTemplate
  let variables: [String: TemplateVariable]

  /// nil where the folder has none.
  static func load(_ folder: FolderOnDisk) throws(AviaryError) -> FolderTemplate? {
    let config = try folder.json("tokenizer_config.json")
    guard let (source, file) = try source(folder, config) else { return nil }
    var variables: [String: TemplateVariable] = [:]
    for key in ["bos_token", "eos_token", "pad_token", "unk_token"] {
      if let text = config?[key]?.string ?? config?[key]?["content"]?.string { variables[key] = .trusted(text) }
    }
    return FolderTemplate(template: try ChatTemplate(source: source, limits: folder.limits, name: file), variables: variables)
  }

  static func source(_ folder: FolderOnDisk, _ config: JSONValue?) throws(AviaryError) -> (String, String)? {
    if let bytes = try folder.bytes("chat_template.jinja", maxBytes: folder.limits.templateBytes) {
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw AviaryError(.format, "not UTF-8 text", at: "chat_template.jinja")
      }
      return (text, "chat_template.jinja")
    }
    if let text = try folder.json("chat_template.json")?["chat_template"]?.string { return (text, "chat_template.json") }
    guard let value = config?["chat_template"] else { return nil }
    let place = "tokenizer_config.json: chat_template"
    if let text = value.string { return (text, place) }
    // Several templates by name: the default one is for conversations.
    let named = value.array?.first { $0["name"]?.string == "default" }
    return named?["template"]?.string.map { ($0, place) }
  }

  func render(_ messages: [ChatMessage], addGenerationPrompt: Bool, imageMarker: String?) throws(AviaryError) -> MarkedText {
    try template.render(
      messages: messages, addGenerationPrompt: addGenerationPrompt, variables: variables, imageMarker: imageMarker.map { $0 + "\n" })
  }
}

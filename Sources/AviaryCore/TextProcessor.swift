public import AviaryTensor

/// Prompts of a model without eyes: its checkpoint's own chat template, and no pictures.
public struct TextProcessor: Processor {
  public let tokenizer: any Tokenizer
  public let stop: StopRule
  public let parameters: String
  private let template: (any PromptTemplate)?

  /// - Parameter family: the id of the family.
  public init(_ folder: any ModelFolder, family: String) throws(AviaryError) {
    parameters = family
    tokenizer = try folder.tokenizer()
    template = try folder.promptTemplate()
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
  }

  public var imageMarker: String? { nil }

  public func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    guard let template else {
      throw AviaryError(.request, "the checkpoint has no chat template", wanted: "--raw, to feed the prompt as it is")
    }
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    return try template.render(messages, addGenerationPrompt: options.addsGenerationPrompt, imageMarker: nil)
  }

  public func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    throw AviaryError(.request, "a picture for a model without eyes", wanted: "a model with a vision encoder")
  }

  public func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    var ids = try tokenizer.encode(prompt, addSpecial: true)
    // Some templates begin with what the tokenizer adds as well.
    if ids.count > 1, ids[0] == ids[1], ids[0] == tokenizer.bos { ids.removeFirst() }
    return TokenizedPrompt(parts: ids.isEmpty ? [] : [.tokens(ids)], inputIDs: ids, text: prompt.text)
  }

  public func record(_ images: [PreparedImage]) -> [RecordedTensor] { [] }
}

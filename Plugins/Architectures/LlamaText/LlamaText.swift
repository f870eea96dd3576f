public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Llama and Mistral without eyes (Touvron et al. 2023; Jiang et al. 2023), in Hugging Face's layout.
public enum LlamaText: Architecture {
  public typealias Config = LlamaConfig
  public static let id = "llama"
  public static let claims = ["llama", "mistral", "LlamaForCausalLM", "MistralForCausalLM"]

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> LlamaConfig { try LlamaConfig(try folder.config()) }

  public static func weights(_ config: LlamaConfig, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    (try folder.weights(), NameMap([.ignoreSuffix("rotary_emb.inv_freq")]))
  }

  public static func model(_ c: LlamaConfig, _ w: Weights) throws(AviaryError) -> TextOnly<Llama> { TextOnly(try Llama(w, c)) }

  public static func processor(_ config: LlamaConfig, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try TextProcessor(folder)
  }
}

/// Prompts of a text model: its own chat template.
private struct TextProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let template: (any PromptTemplate)?

  init(_ folder: any ModelFolder) throws(AviaryError) {
    tokenizer = try folder.tokenizer()
    template = try folder.promptTemplate()
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
  }

  var imageMarker: String? { nil }
  var parameters: String { LlamaText.id }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    guard let template else {
      throw AviaryError(.request, "the checkpoint has no chat template", wanted: "--raw, to feed the prompt as it is")
    }
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    return try template.render(messages, addGenerationPrompt: true, imageMarker: nil)
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    throw AviaryError(.request, "a picture for a model without eyes", wanted: "a model with a vision encoder")
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    let ids = try tokenizer.encode(prompt, addSpecial: true)
    return TokenizedPrompt(parts: ids.isEmpty ? [] : [.tokens(ids)], inputIDs: ids, text: prompt.text)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] { [] }
}

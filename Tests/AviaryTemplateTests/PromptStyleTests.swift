import AviaryCore
import AviaryText
import Testing

/// Prompt styles on small conversations.
struct PromptStyles {
  private let chat = [
    ChatMessage(.user, [.image(0), .text("Q")]), ChatMessage(.assistant, "A"), ChatMessage(.user, "R"),
  ]
  private static let helper =
    "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
    + "provides, and assist the user with a variety of tasks using natural language."

  @Test(arguments: [
    ("v1", "S USER: <image>\nQ ASSISTANT: A</s>USER: R ASSISTANT:"),
    ("llava_v0", "S###Human: <image>\nQ###Assistant: A###Human: R###Assistant:"),
    ("llava_llama_2", "[INST] <<SYS>>\nS\n<</SYS>>\n\n<image>\nQ [/INST] A </s><s>[INST] R [/INST]"),
    ("mistral_instruct", "[INST] <<SYS>>\nS\n<</SYS>>\n\n<image>\nQ [/INST] A </s>[INST] R [/INST]"),
    (
      "chatml_direct",
      "<|im_start|>system\nS<|im_end|><|im_start|>user\n<image>\nQ<|im_end|><|im_start|>assistant\nA<|im_end|>"
        + "<|im_start|>user\nR<|im_end|><|im_start|>assistant\n"
    ),
    (
      "yi_vl",
      "S\n\n### Human: <image_placeholder>\nQ\n### Assistant: A\n### Human: R\n### Assistant:"
    ),
  ]) func replacesSystemText(_ name: String, _ expected: String) throws {
    let style = try #require(PromptStyle.published(name))
    #expect(try style.render([ChatMessage(.system, "S")] + chat).text == expected)
  }

  @Test func hasOwnSystemText() throws {
    #expect(
      try PromptStyle.llavaLlama2.render([ChatMessage(.user, "Q")]).text
        == "[INST] <<SYS>>\n\(Self.helper)\n<</SYS>>\n\nQ [/INST]")
    #expect(try PromptStyle.mistralInstruct.render([ChatMessage(.user, "Q")]).text == "[INST] Q [/INST]")
    #expect(
      try PromptStyle.llavaV1.render([ChatMessage(.user, "Q")], addGenerationPrompt: false).text.hasSuffix("USER: Q "))
  }

  @Test func messagesAreUntrusted() throws {
    let text = try PromptStyle.llavaV1.render([
      ChatMessage(.system, "x"), ChatMessage(.user, [.image(0), .text("</s><image>")]), ChatMessage(.assistant, "</s>"),
    ])
    #expect(text.trustedText == " USER: <image>\n ASSISTANT: </s>ASSISTANT:")
    #expect(text.split(separator: "<image>").count == 2)
  }

  @Test func refusesWhatItCannotWrite() {
    let late = [ChatMessage(.user, "a"), ChatMessage(.system, "b")]
    #expect(failure { try PromptStyle.yiVL.render(late) }?.kind == .request)
    let pictured = [ChatMessage(.assistant, [.image(0)])]
    #expect(failure { try PromptStyle.yiVL.render(pictured) }?.kind == .request)
    #expect(PromptStyle.published("none") == nil)
  }
}

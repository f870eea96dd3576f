extension PromptStyle {
  /// The styles of LLaVA's repository (llava/conversation.py) and of Yi-VL's, by the names that they have there.
  public static let published: [PromptStyle] = [
    llavaV1, vicunaV1, llavaV0, llavaLlama2, mistralInstruct, chatMLDirect, yiVL,
  ]

  /// The published style of a name; `v1` is the repository's other name for `vicuna_v1`.
  public static func published(_ name: String) -> PromptStyle? {
    let own = name == "v1" ? vicunaV1.name : name
    return published.first { $0.name == own }
  }

  /// LLaVA 1.5 as its command line runs it.
  public static let llavaV1 = vicuna(
    "llava_v1",
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
      + "and polite answers to the human's questions.")

  /// LLaVA 1.5 as its evaluations and its web page run it.
  public static let vicunaV1 = vicuna(
    "vicuna_v1",
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
      + "and polite answers to the user's questions.")

  private static func vicuna(_ name: String, _ system: String) -> PromptStyle {
    PromptStyle(
      name: name, system: system, systemFrame: Frame(before: "", after: " "),
      user: Frame(before: "USER: ", after: " "), assistant: Frame(before: "ASSISTANT: ", after: "</s>"),
      generationPrompt: "ASSISTANT:", image: ImageMarker("<image>\n"), stop: ["</s>"])
  }

  /// The first LLaVA.
  public static let llavaV0 = PromptStyle(
    name: "llava_v0", system: llavaV1.system, systemFrame: Frame(before: "", after: "###"),
    user: Frame(before: "Human: ", after: "###"), assistant: Frame(before: "Assistant: ", after: "###"),
    generationPrompt: "Assistant:", image: ImageMarker("<image>\n"), stop: ["###"])

  /// LLaVA on LLaMA-2-chat. The tokenizer adds the first `<s>`.
  public static let llavaLlama2 = instruct(
    "llava_llama_2",
    "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
      + "provides, and assist the user with a variety of tasks using natural language.",
    opensWith: "<s>")

  /// LLaVA 1.6 on Mistral.
  public static let mistralInstruct = instruct("mistral_instruct", "", opensWith: "")

  private static func instruct(_ name: String, _ system: String, opensWith bos: String) -> PromptStyle {
    PromptStyle(
      name: name, system: system, systemFrame: Frame(before: "<<SYS>>\n", after: "\n<</SYS>>\n\n"),
      systemPlace: .insideFirstUserTurn, user: Frame(before: "\(bos)[INST] ", after: " [/INST]"),
      assistant: Frame(before: " ", after: " </s>"), firstUserBefore: "[INST] ", generationPrompt: "",
      image: ImageMarker("<image>\n"), stop: ["</s>"])
  }

  /// LLaVA 1.6 with 34 billion parameters: ChatML without line ends behind turns.
  public static let chatMLDirect = PromptStyle(
    name: "chatml_direct", system: "Answer the questions.",
    systemFrame: Frame(before: "<|im_start|>system\n", after: "<|im_end|>"),
    user: Frame(before: "<|im_start|>user\n", after: "<|im_end|>"),
    assistant: Frame(before: "<|im_start|>assistant\n", after: "<|im_end|>"),
    generationPrompt: "<|im_start|>assistant\n", image: ImageMarker("<image>\n"), stop: ["<|im_end|>"])

  /// Yi-VL. The system text is one line in two languages.
  public static let yiVL = PromptStyle(
    name: "yi_vl",
    system:
      "This is a chat between an inquisitive human and an AI assistant. Assume the role of the AI assistant. Read all "
      + "the images carefully, and respond to the human's questions with informative, helpful, detailed and polite "
      + "answers. 这是一个好奇的人类和一个人工智能助手之间的对话。假设你扮演这个AI助手的角色。仔细阅读所有的图像，并对人类的问题做出信息丰富、"
      + "有帮助、详细的和礼貌的回答。",
    systemFrame: Frame(before: "", after: "\n\n"), user: Frame(before: "### Human: ", after: "\n"),
    assistant: Frame(before: "### Assistant: ", after: "\n"), generationPrompt: "### Assistant:",
    image: ImageMarker("<image_placeholder>\n"), stop: ["###"])
}

import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// Pictures with answers in front of a question, in each family's published form.
struct DemonstrationTests {
  static let images = Golden.folder + "/images/"

  static func load(_ name: String) throws -> LoadedModel {
    try ModelLoaderTests.loader.load(#require(Golden.find(name)) + "/model", on: Backends().open("cpu", BackendOptions()))
  }

  /// The prompt of a question with what is shown in front of it, and its ids.
  static func ask(_ loaded: LoadedModel, _ shown: Demonstrations, _ image: String?, _ question: String, _ options: PromptOptions) throws -> TokenizedPrompt {
    let processor = try #require(loaded.processor)
    let pictures = try image.map { [try ImageLoader.load($0, for: loaded)] } ?? []
    let parts = pictures.indices.map { ChatMessage.Part.image(shown.images.count + $0) } + [.text(question)]
    var request = GenerationRequest(
      .chat(shown.messages(before: question, processor, options) + [ChatMessage(.user, parts)]), images: shown.images + pictures)
    request.options = options
    return try Generator(loaded, features: FeatureCache()).prepare(request).prompt
  }

  static let shots = [
    ("b-chelsea.png", "Question:What animal is it? Short answer:cat"), ("b-coffee.jpg", "Question:What is in the cup? Short answer:coffee"),
    ("b-rocket.jpg", "Question:Is this a rocket? Short answer:yes"), ("b-camera-gray.png", "Question:What does he hold? Short answer:camera"),
  ]

  /// The recorded prompt and its ids come out of four pictures with their answers and a question.
  @Test(.enabled(if: Golden.has("flamingo-rpj3b-4shot"))) func fourShotsGiveTheRecordedPrompt() throws {
    let golden = try GoldenCase(#require(Golden.find("flamingo-rpj3b-4shot")))
    let loaded = try Self.load("flamingo-rpj3b-4shot")
    let shown = try Demonstrations(shots: Self.shots.map { Demonstrations.Shot(image: Self.images + $0.0, answer: $0.1) }, for: loaded)
    let prompt = try Self.ask(loaded, shown, Self.images + "b-astronaut.png", "Question:Who is she? Short answer:", PromptOptions())
    #expect(prompt.text == golden.prompt)
    #expect(try prompt.inputIDs == golden.recordedIDs())
    #expect(prompt.sight?.places.count == 5)
  }

  /// The published evaluation (eval/models/open_flamingo.py) asks each question in its own words and ends lines.
  @Test(.enabled(if: Golden.has("flamingo-rpj3b-4shot"))) func flamingosEvaluationPrompts() throws {
    let loaded = try Self.load("flamingo-rpj3b-4shot")
    let cat = Self.images + "b-chelsea.png"
    let shown = try Demonstrations(shots: [.init(image: cat, answer: "A cat.")], for: loaded)
    #expect(
      try Self.ask(loaded, shown, cat, "", PromptOptions(style: "caption")).text == "<image>Output:A cat.<|endofchunk|>\n<image>Output:")
    #expect(
      try Self.ask(loaded, shown, cat, "What is it?", PromptOptions(style: "vqa")).text
        == "<image>Question:What is it? Short answer:A cat.<|endofchunk|>\n<image>Question:What is it? Short answer:")
    // Two demonstrations without their pictures are its "zero-shot".
    let folder = try TemporaryFolder()
    try folder.write("zero.jsonl", "{\"role\": \"user\", \"content\": []}\n{\"role\": \"assistant\", \"content\": \"A dog.\"}\n")
    let blind = try Demonstrations(files: [folder.path + "/zero.jsonl"], for: loaded)
    #expect(try Self.ask(loaded, blind, cat, "", PromptOptions(style: "caption")).text == "Output:A dog.<|endofchunk|>\n<image>Output:")
  }

  /// What a demonstration says is text: it neither ends a chunk nor opens a slot.
  @Test(.enabled(if: Golden.has("flamingo-rpj3b-4shot"))) func answersAreText() throws {
    let loaded = try Self.load("flamingo-rpj3b-4shot")
    let tokenizer = try #require(loaded.processor).tokenizer
    let shown = try Demonstrations(shots: [.init(image: Self.images + "b-chelsea.png", answer: "<|endofchunk|><image><PAD>")], for: loaded)
    let ids = try Self.ask(loaded, shown, nil, "x", PromptOptions()).inputIDs
    for (token, count) in [("<|endofchunk|>", 1), ("<image>", 1), ("<PAD>", 0)] { #expect(ids.count { $0 == tokenizer.id(of: token) } == count) }
  }

  /// eval_mm of Qwen-VL: a question's prompt, a blank, its answer, and the next one directly behind.
  @Test(.enabled(if: Golden.has("qwen-vl-base-odd"))) func qwensEvaluationPrompts() throws {
    let loaded = try Self.load("qwen-vl-base-odd")
    let cat = Self.images + "b-chelsea.png"
    let shown = try Demonstrations(shots: [.init(image: cat, answer: "a cat")], for: loaded)
    func text(_ question: String, _ style: String) throws -> String { try Self.ask(loaded, shown, cat, question, PromptOptions(style: style)).text }
    #expect(try text("What?", "vqa") == "<img></img>What? Answer: a cat<img></img>What? Answer:")
    #expect(try text("", "caption") == "<img></img>Describe the image in English: a cat<img></img>Describe the image in English:")
    let alone = try Self.ask(loaded, Demonstrations(), cat, "the cat", PromptOptions(style: "grounding"))
    #expect(alone.text == "<img></img><ref>the cat</ref><box>")
    let box = try #require(loaded.processor?.tokenizer.id(of: "<box>"))
    #expect(alone.inputIDs.last == box)
  }

  @Test(.enabled(if: Golden.has("llava-hf-single"))) func chatModelsSeeEarlierTurns() throws {
    let loaded = try Self.load("llava-hf-single")
    let image = try #require(Golden.find("llava-hf-single")) + "/../images/a-cat.png"
    let shown = try Demonstrations(shots: [.init(image: image, answer: "A cat.")], for: loaded)
    let processor = try #require(loaded.processor)
    let text = try processor.prompt(shown.messages(before: "What?", processor, PromptOptions()) + [ChatMessage(.user, "What?")], PromptOptions()).text
    #expect(text == "USER: <image>\nWhat? ASSISTANT: A cat. USER: What? ASSISTANT:")
  }

  @Test(.enabled(if: Golden.has("llava-hf-single"))) func filesHoldMessagesOrConversations() throws {
    let loaded = try Self.load("llava-hf-single")
    let folder = try TemporaryFolder()
    try folder.copy(#require(Golden.find("llava-hf-single")) + "/../images", leavingOut: { $0 != "a-cat.png" })
    let picture = #"{"type": "image", "path": "a-cat.png"}"#
    try folder.write(
      "shots.jsonl",
      #"{"role": "user", "content": ["# + picture + #", {"type": "text", "text": "One?"}]}"# + "\n" + #"{"role": "assistant", "content": "Yes."}"# + "\n\n"
        + #"{"messages": [{"role": "user", "content": ["# + picture + #"]}, {"role": "assistant", "content": "No."}]}"# + "\n")
    let shown = try Demonstrations(files: [folder.path + "/shots.jsonl"], for: loaded)
    #expect(shown.images.count == 2)
    let messages = shown.messages(before: "", try #require(loaded.processor), PromptOptions())
    #expect(
      messages == [
        ChatMessage(.user, [.image(0), .text("One?")]), ChatMessage(.assistant, "Yes."), ChatMessage(.user, [.image(1)]), ChatMessage(.assistant, "No."),
      ])
    for (text, kind, part) in [
      ("{", AviaryError.Kind.format, "line 1"), ("{}\n", .config, "line 1"), (#"{"role": "tool", "content": "x"}"#, .config, "role"),
      (#"{"role": "user", "content": [{"type": "image", "path": "none.png"}]}"#, .file, "none.png"), ("[1]", .config, "line 1"),
    ] {
      try folder.write("bad.jsonl", text)
      expectError(kind, part) { _ = try Demonstrations(files: [folder.path + "/bad.jsonl"], for: loaded) }
    }
    let many = (0..<70).map { _ in Demonstrations.Shot(image: folder.path + "/a-cat.png", answer: "") }
    expectError(.limit, "64") { _ = try Demonstrations(shots: many, for: loaded) }
  }
}

import AviaryCore
import AviaryText
import Foundation
import Testing

/// The chat templates of the golden checkpoints, rendered for their requests.
@Suite(.enabled(if: Place.hasGolden)) struct GoldenTemplates {
  static let cases: [String] = {
    let folders = (try? FileManager.default.contentsOfDirectory(atPath: Place.golden.path)) ?? []
    return folders.sorted().filter { source(of: $0) != nil }
  }()

  static func source(of name: String) -> String? {
    let model = Place.golden.appendingPathComponent("\(name)/model")
    for file in ["chat_template.json", "tokenizer_config.json", "processor_config.json"] {
      if let text = (try? Place.json(model.appendingPathComponent(file)))?["chat_template"] as? String { return text }
    }
    return try? String(contentsOf: model.appendingPathComponent("chat_template.jinja"), encoding: .utf8)
  }

  /// The Janus processor writes its system text, and BOS and the begin of the image, around what the template gives.
  static func around(_ name: String) -> (before: String, after: String) {
    switch name {
    case "janus-generate": ("<｜begin▁of▁sentence｜>", "<begin_of_image>")
    case _ where name.hasPrefix("janus"):
      (
        "You are a helpful language and vision assistant. You are able to understand the visual content that the user "
          + "provides, and assist the user with a variety of tasks using natural language.\n\n", ""
      )
    default: ("", "")
    }
  }

  @Test func findsCases() { #expect(Self.cases.count >= 18) }

  @Test(arguments: cases) func equalsTheReference(_ name: String) throws {
    let folder = Place.golden.appendingPathComponent(name)
    let request = try Place.json(folder.appendingPathComponent("request.json"))
    let expected = try Place.json(folder.appendingPathComponent("expected.json"))
    let prompt = expected["prompt_before_expansion"] as? String ?? request["prompt"] as? String
    let template = try ChatTemplate(source: #require(Self.source(of: name)), name: name)
    #expect(template.contentForm == .parts)
    let text = try template.render(messages: conversation(request["messages"]), addGenerationPrompt: true)
    let (before, after) = Self.around(name)
    #expect(before + text.text + after == prompt)
  }

  /// Nothing that the messages say is trusted, and the template's own words are.
  @Test(arguments: cases) func marksMessages(_ name: String) throws {
    let template = try ChatTemplate(source: #require(Self.source(of: name)), name: name)
    let text = try template.render(
      messages: [ChatMessage(.user, [.image(0), .text("αβγ</s>")]), ChatMessage(.assistant, "δεζ<image>")],
      addGenerationPrompt: true)
    #expect(text.text.contains("αβγ</s>"))
    #expect(!text.trustedText.unicodeScalars.contains { "αβγδεζ".unicodeScalars.contains($0) })
    #expect(text.trustedText.contains("<image"))
    let typed = try #require(text.text.range(of: "δεζ<image>"))
    let low = text.text.utf8.distance(from: text.text.startIndex, to: typed.lowerBound)
    #expect(text.trusted.allSatisfy { !$0.overlaps(low..<low + "δεζ<image>".utf8.count) })
  }

  @Test(arguments: cases) func everyTruncationReturns(_ name: String) throws {
    let scalars = Array(try #require(Self.source(of: name)).unicodeScalars)
    for count in 0..<scalars.count {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[..<count])
      _ = failure {
        let template = try ChatTemplate(source: String(view), name: name)
        return try template.render(messages: [ChatMessage(.user, "hello")], addGenerationPrompt: true)
      }
    }
  }
}

/// The prompt styles against the requests that name them.
@Suite(.enabled(if: Place.hasGolden)) struct GoldenPromptStyles {
  static let deepseek = PromptStyle(
    name: "deepseek",
    system: "You are a helpful language and vision assistant. You are able to understand the visual content that the "
      + "user provides, and assist the user with a variety of tasks using natural language.",
    systemFrame: .init(before: "", after: "\n\n"), user: .init(before: "User: ", after: "\n\n"),
    assistant: .init(before: "Assistant: ", after: "<｜end▁of▁sentence｜>"), generationPrompt: "Assistant:",
    image: .init("<image_placeholder>"), stripsMessages: true, stop: ["<｜end▁of▁sentence｜>"])

  static let minigpt4 = PromptStyle(
    name: "minigpt4",
    system: "Give the following image: <Img>ImageContent</Img>. You will be able to see the image once I provide it to "
      + "you. Please answer my questions.",
    systemFrame: .init(before: "", after: "###"), user: .init(before: "Human: ", after: "###"),
    assistant: .init(before: "Assistant: ", after: "###"), generationPrompt: "Assistant: ",
    image: .init("<Img><ImageHere></Img>", beforeText: " ", beforeImage: "###Human: "), stop: ["###"])

  static let cases: [String] = [
    "llava-orig-multi", "llava-orig-odd", "llava-orig-single", "llava-orig-text", "yi-vl-multi", "yi-vl-odd",
    "yi-vl-single", "yi-vl-text", "deepseek-vl-orig7-single", "deepseek-vl-orig7-odd", "deepseek-vl-orig13-single",
    "deepseek-vl-orig13-text", "minigpt4-single", "minigpt4-multi", "minigpt4-odd", "minigpt4-text",
  ]

  @Test(arguments: cases) func equalsTheReference(_ name: String) throws {
    let request = try Place.json(Place.golden.appendingPathComponent("\(name)/request.json"))
    let style: PromptStyle
    if let asked = request["conversation_template"] as? String {
      style = try #require(PromptStyle.published(asked))
    } else {
      style = name.hasPrefix("yi") ? .yiVL : name.hasPrefix("deep") ? Self.deepseek : Self.minigpt4
    }
    let text = try style.render(conversation(request["messages"]))
    #expect(text.text == request["prompt"] as? String)
    if let stop = request["stop"] as? [String] { #expect(style.stop == stop) }
  }
}

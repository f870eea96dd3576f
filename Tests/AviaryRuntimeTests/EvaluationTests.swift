import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// `aviary eval`: questions of a file, asked and scored.
struct EvaluationTests {
  private static let model = Golden.ownFolder + "/llava-hf-single/model"
  private static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  /// A folder with a picture and a file of questions, each with its own number of pictures and its own length.
  private static func folder(_ lines: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, source) in [("cat", "a-cat"), ("wide", "a-wide")] {
      try FileManager.default.copyItem(atPath: "\(Golden.ownFolder)/images/\(source).png", toPath: "\(folder.path)/\(name).png")
    }
    try folder.write("data.jsonl", lines.joined(separator: "\n"))
    return folder
  }

  private static func line(_ question: String, _ images: [String] = [], answers: [String] = ["x"], category: (String, String)? = nil) -> String {
    func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
    func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }
    let turn = object([("role", .string("user")), ("content", .string(question))])
    let kind = category.map { [($0.0, JSONValue.string($0.1))] } ?? []
    return JSONWriter.text(object([("messages", .array([turn])), ("images", list(images)), ("answers", list(answers))] + kind))
  }

  private static func ask(_ folder: TemporaryFolder, batch: Int, tokens: Int = 4) throws -> Evaluation.Report {
    var options = BackendOptions()
    options.threads = 2
    var evaluation = Evaluation(.exact)
    (evaluation.maxTokens, evaluation.batch) = (tokens, batch)
    var seen: [Int] = []
    let report = try evaluation.run(model, adapters: [], data: folder.path + "/data.jsonl", loader, on: Backends().open("cpu", options)) { done, all in
      seen.append(done)
      #expect(done <= all)
    }
    #expect(seen.last == report.rows.count && seen == seen.sorted())
    return report
  }

  private static let lines = [
    line("<image>What is it?", ["cat.png"]), line("<image>Is it a dog? Or is it perhaps something else, and if so, what?", ["cat.png"]), line("One and one?"),
    line("<image><image>Which of the two?", ["cat.png", "wide.png"]), line("<image>What is it?", ["wide.png"]), line("<image>What is it?", ["cat.png"]),
  ]

  /// More lines than run at the same time, and more than are prepared at once.
  @Test(arguments: [1, 2, 5]) func aBatchHasTheAnswersOfOneAfterAnother(_ batch: Int) throws {
    let folder = try Self.folder((0..<4).flatMap { _ in Self.lines })
    let found = try Self.ask(folder, batch: batch, tokens: 7)
    #expect(found.rows.count == 24 && found.rows.map(\.place) == (1...24).map { "data.jsonl, line \($0)" })
    // Each alone, by a model that has seen nothing before.
    for (index, line) in Self.lines.enumerated() {
      let alone = try Self.ask(try Self.folder([line]), batch: 1, tokens: 7).rows[0]
      for row in stride(from: index, to: 24, by: Self.lines.count) { #expect(found.rows[row].answer == alone.answer && found.rows[row].question == alone.question) }
    }
    #expect(Set(found.rows.map(\.answer)).count > 2)
  }

  @Test func rightAnswersAreCounted() throws {
    let folder = try Self.folder(Array(Self.lines.prefix(3)))
    let first = try Self.ask(folder, batch: 8)
    #expect(first.score == 0 && first.rows.count == 3 && first.markdown.contains("| data.jsonl, line 1 |"))
    // Its own answers are right.
    try folder.write("data.jsonl", first.rows.map { Self.line($0.question, $0.images, answers: ["x", $0.answer]) }.joined(separator: "\n"))
    let second = try Self.ask(folder, batch: 8)
    #expect(second.score == 1 && second.summary.contains("exact 1.0 on 3 lines"))
  }

  /// Lines may say what kind of question theirs is, by the names of two benchmarks; those that do not are in the whole score alone.
  @Test func eachCategoryHasAScore() throws {
    let folder = try Self.folder(Array(Self.lines.prefix(4)))
    let own = try Self.ask(folder, batch: 8).rows.map(\.answer)
    let kinds: [(String, String)?] = [("category", "conv|1"), ("question_type", "what is"), ("category", "conv|1"), nil]
    let answers = [own[0], own[1], "never", "never"]
    try folder.write("data.jsonl", (0..<4).map { i in
      let (question, images) = [("<image>What is it?", ["cat.png"]), ("<image>Is it a dog? Or is it perhaps something else, and if so, what?", ["cat.png"]),
        ("One and one?", []), ("<image><image>Which of the two?", ["cat.png", "wide.png"])][i]
      return Self.line(question, images, answers: [answers[i]], category: kinds[i])
    }.joined(separator: "\n"))
    let report = try Self.ask(folder, batch: 8)
    #expect(report.score == 0.5)
    #expect(report.categories.map(\.name) == ["conv|1", "what is"] && report.categories.map(\.score) == [0.5, 1] && report.categories.map(\.count) == [2, 1])
    #expect(report.text.hasSuffix("\n  conv|1   0.5 of 2\n  what is  1.0 of 1"))
    #expect(report.markdown.contains("| conv\\|1 | 2 | 0.5 |") && report.json.contains(#""category": "what is""#))
    #expect(try Self.ask(try Self.folder([Self.lines[2]]), batch: 1).text.split(separator: "\n").count == 1)
    // A terminal does not act on a name.
    let hostile = try Self.ask(try Self.folder([Self.line("One and one?", category: ("category", "a\u{1b}[2J\nb"))]), batch: 1)
    #expect(hostile.categories.map(\.name) == ["a\u{1b}[2J\nb"] && hostile.text.hasSuffix("\n  a\\u{1b}[2J\\u{a}b  0.0 of 1"))
  }

  @Test func aQuestionThatCannotBeAskedIsNamed() throws {
    let folder = try Self.folder([Self.lines[0], Self.line("What is it?", ["none.png"]), Self.lines[2]])
    try folder.write("none.png", "no picture")
    expectError(.format, "line 2", "none.png") { _ = try Self.ask(folder, batch: 2) }
    try folder.write("data.jsonl", Self.lines[0] + "\n{\"messages\": []}\n")
    expectError(.format, "line 2") { _ = try Self.ask(folder, batch: 2) }
    expectError(.config, "0 requests", "1...256") { _ = try Self.ask(try Self.folder(Self.lines), batch: 0) }
  }
}

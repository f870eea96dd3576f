import AviaryCore
import AviaryFormats
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// `aviary compare`: several models, one question.
struct CompareTests {
  private static func golden(_ name: String) -> String { "\(Program.repository)/Tests/Golden/\(name)/model" }
  private static let models = [golden("llava-hf-single"), golden("yi-vl-single")]
  private static let question = ["What is this?", "--image", PluginTests.picture, "--max-tokens", "5"]

  private static func objects(_ text: String) throws -> [JSONValue] { try #require(try JSONParser.parse(Array(text.utf8), name: "stdout").array) }

  /// Each answers as it does alone.
  @Test func twoModelsAnswerSideBySide() throws {
    let table = try Program.aviary.run(["compare"] + Self.models + Self.question)
    #expect(table.code == 0, "\(table.errors)")
    let lines = table.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("model ") && lines[0].contains("answer"), "\(table.output)")
    for (line, model) in zip(lines.dropFirst(), Self.models) { #expect(line.hasPrefix(model), "\(line)") }

    let compared = try Program.aviary.run(["compare"] + Self.models + Self.question + ["--json"])
    #expect(compared.code == 0, "\(compared.errors)")
    let objects = try Self.objects(compared.output)
    #expect(objects.count == 2)
    for (object, model) in zip(objects, Self.models) {
      let alone = try JSONParser.parse(Array(try Program.aviary.run(["run", model] + Self.question + ["--json"]).output.utf8), name: "stdout")
      for key in ["text", "prompt", "input_ids", "generated_ids", "finish_reason"] { #expect(object[key] == alone[key] && object[key] != nil, "\(key)") }
      #expect(object["generated_ids"]?.array?.count == 5)
    }
    #expect(objects.map { $0["model"]?.string } == Self.models)
  }

  /// The others still answer; the exit code says that one did not.
  @Test func oneThatFailsIsShownWithItsError() throws {
    let models = [Self.models[0], "/nowhere/at/all", Self.models[1]]
    let compared = try Program.aviary.run(["compare"] + models + Self.question + ["--json"])
    #expect(compared.code == 2)
    let objects = try Self.objects(compared.output)
    #expect(objects.map { $0["error"] != nil } == [false, true, false])
    #expect(objects[1]["model"]?.string == models[1] && objects[1]["error"]?.string?.contains(models[1]) == true, "\(objects[1])")
    let table = try Program.aviary.run(["compare"] + models + Self.question)
    #expect(table.code == 2 && table.output.split(separator: "\n").count == 4, "\(table.output)")
    #expect(table.output.contains("error: "))
  }

  @Test func badInputIsRefused() throws {
    try Program.aviary.expectRefusal(["compare"], "words")
    try Program.aviary.expectRefusal(["compare", Self.models[0], "What?"], "2 words", "MODEL MODEL")
    // A picture that is none fails for each model, and each says so.
    let folder = try TemporaryFolder()
    try folder.write("none.png", "no picture")
    let outcome = try Program.aviary.run(["compare"] + Self.models + ["What?", "--image", "\(folder.path)/none.png", "--json"])
    #expect(outcome.code == 2)
    #expect(try Self.objects(outcome.output).allSatisfy { $0["error"]?.string?.contains("none.png") == true }, "\(outcome.output)")
  }
}

import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// The captioner of this repository takes its style from examples: the same captions on every backend, and as many right as its card says.
@Suite(.serialized) struct WrenFlamingoTests {
  /// Pictures of seeds that training has not seen: the last of five is to be captioned as the four before it are.
  private static func styles(_ folder: TemporaryFolder, count: Int) throws -> String {
    _ = try SceneWriter.write(folder.path + "/scenes", seed: 7_000_000, count: count, side: 64)
    return folder.path + "/scenes/styles.jsonl"
  }

  private static func rows(_ path: String, on backend: any Backend) throws -> Evaluation.Report {
    try Evaluation(.exact).run("wren-flamingo", adapters: [], data: path, WrenTests.loader, on: backend) { _, _ in }
  }

  @Test(arguments: ["vulkan", "reference"]) func itSaysTheSameOnEveryBackend(_ backend: String) throws {
    let folder = try TemporaryFolder()
    let path = try Self.styles(folder, count: 12)
    let wanted = try Self.rows(path, on: WrenTests.cpu()).rows
    #expect(wanted.count == 12 && wanted.contains { $0.score == 1 })
    #expect(try Self.rows(path, on: WrenTests.backend(backend)).rows.map(\.answer) == wanted.map(\.answer))
  }

  /// Without examples it cannot know which style is wanted.
  @Test func itTakesItsStyleFromExamples() throws {
    let folder = try TemporaryFolder()
    let path = try Self.styles(folder, count: 120)
    let report = try Self.rows(path, on: WrenTests.cpu())
    #expect(report.rows.count == 120 && report.score >= 0.65, "\(report.score)")
    let alone = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      var object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [Any]])
      object["messages"] = object["messages"]?.suffix(2)
      object["images"] = object["images"]?.suffix(1)
      return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self)
    }
    try folder.write("scenes/alone.jsonl", alone.joined(separator: "\n"))
    let without = try Self.rows(folder.path + "/scenes/alone.jsonl", on: WrenTests.cpu())
    #expect(without.rows.count == 120 && without.score < report.score / 2, "\(without.score) without examples, \(report.score) with them")
  }
}

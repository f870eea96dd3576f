import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Scenes follow from their seeds, and what is said of them can be trained on.
@Suite struct SceneTests {
  @Test func theSameSeedsGiveTheSameBytes() throws {
    let folder = try TemporaryFolder()
    let lines = try SceneWriter.write(folder.path + "/a", seed: 7, count: 4, side: 32)
    #expect(try SceneWriter.write(folder.path + "/b", seed: 7, count: 4, side: 32) == lines)
    #expect(lines > 4 * 7)
    func bytes(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)) }
    for file in ["data.jsonl", "maps.jsonl", "images/7.png", "images/10.png"] {
      let (a, b) = (try bytes("a/" + file), try bytes("b/" + file))
      #expect(a == b)
    }
    // A range that overlaps shares exactly the pictures with the same seeds.
    _ = try SceneWriter.write(folder.path + "/c", seed: 9, count: 2, side: 32)
    let (shared, other) = (try bytes("c/images/9.png"), try bytes("a/images/7.png"))
    #expect(try bytes("a/images/9.png") == shared)
    #expect(shared != other)
    expectError(.file, "there already") { _ = try SceneWriter.write(folder.path + "/a", seed: 7, count: 4, side: 32) }
    expectError(.request, "0 pictures") { _ = try SceneWriter.write(folder.path + "/d", seed: 7, count: 0, side: 32) }
  }

  @Test func everyPictureHasACaptionABoxAndSomethingUnknown() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 20, side: 16)
    let text = try String(contentsOfFile: folder.path + "/a/data.jsonl", encoding: .utf8)
    var answers: [String: [String]] = [:]
    for line in text.split(separator: "\n") {
      let json = try JSONParser.parse(Array(line.utf8), name: "data.jsonl")
      let image = try #require(json["images"]?.array?.first?.string)
      answers[image, default: []].append(try #require(json["messages"]?.array?.last?["content"]?.string))
    }
    #expect(answers.count == 20)
    for (image, said) in answers {
      #expect(said.contains { $0.hasPrefix("a big") || $0.hasPrefix("a small") }, "\(image)")
      #expect(said.contains { $0.hasPrefix("<box>(") } && said.contains("I don't know") && said.contains("yes") && said.contains("no"), "\(image)")
    }
  }

  @Test func aMapShowsWhatIsWhere() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/a", seed: 100, count: 20, side: 64)
    let text = try String(contentsOfFile: folder.path + "/a/maps.jsonl", encoding: .utf8)
    let lines = text.split(separator: "\n")
    #expect(lines.count == 20)
    var things = 0
    for line in lines {
      let json = try JSONParser.parse(Array(line.utf8), name: "maps.jsonl")
      let words = try #require(json["messages"]?.array?.last?["content"]?.string).split(separator: " ")
      #expect(words.count == 64 && words.allSatisfy { $0 == "." || ($0.count == 2 && "rgbykant".contains($0.first ?? "-") && "cstr".contains($0.last ?? "-")) })
      #expect(words.contains("."))
      things += Set(words).count - 1
    }
    #expect(things > 20)
  }
}

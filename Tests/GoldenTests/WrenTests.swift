import AviaryCore
import AviaryRuntime
import AviaryTensor
import BackendVulkan
import CoreTestSupport
import Foundation
import Testing

/// The model of this repository says the same on every backend, and what its card says it can.
@Suite(.serialized) struct WrenTests {
  static let zoo = URL(fileURLWithPath: Golden.ownFolder).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Zoo").path
  static let loader = ModelLoader(Surroundings(environment: ["AVIARY_ZOO": zoo], home: "/nonexistent"))
  static let questions = [
    ("three", "What color is the rectangle?", "red"), ("three", "How many shapes are there?", "3"), ("three", "is there a teal triangle", "yes"),
    ("garden", "How many shapes are there?", "4"), ("garden", "Where is the yellow square?", "bottom"), ("garden", "What shape is gray?", "circle"), ("garden", "What shape is yellow?", "square"), ("two", "Is the brown circle big or small?", "big"),
    ("two", "Is there a red circle?", "no"), ("sun", "What color is the circle?", "yellow"), ("sun", "Who painted this?", "I don't know"),
    ("sun", "What color is the square?", "there is no square"), ("sun", "Where is the yellow circle?", "center"), ("two", "Where is the teal circle?", "bottom left"),
    ("three", "Where is the red rectangle?", "bottom right"), ("three", "Is the rectangle left or right of the green triangle?", "right"),
  ]

  static func cpu() throws -> any Backend {
    var options = BackendOptions()
    options.threads = 2
    return try Backends().open("cpu", options)
  }

  static func backend(_ name: String) throws -> any Backend {
    switch name {
    case "cpu": try cpu()
    case "vulkan": try VulkanBackend(BackendOptions())
    default: Reference()
    }
  }

  @Test(arguments: ["cpu", "vulkan", "reference"]) func itAnswersAboutPictures(_ backend: String) throws {
    let backend = try Self.backend(backend)
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Self.zoo + "/wren/pictures", toPath: folder.path + "/pictures")
    let lines = Self.questions.map { picture, question, answer in
      #"{"messages": [{"role": "user", "content": "<image>\#(question)"}, {"role": "assistant", "content": "\#(answer)"}], "images": ["pictures/\#(picture).png"]}"#
    }
    try folder.write("questions.jsonl", lines.joined(separator: "\n"))
    let report = try Evaluation(.exact).run("wren", adapters: [], data: folder.path + "/questions.jsonl", Self.loader, on: backend) { _, _ in }
    for row in report.rows { #expect(row.score == 1, "\(row.images) \(row.question): \(row.answer)") }
    #expect(report.rows.count == Self.questions.count)
  }

  /// Pictures of seeds that training has not seen.
  @Test func itAnswersAboutFreshScenes() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/scenes", seed: 7_000_000, count: 60, side: 64)
    let report = try Evaluation(.exact).run("wren", adapters: [], data: folder.path + "/scenes/questions.jsonl", Self.loader, on: Self.cpu()) { _, _ in }
    #expect(report.rows.count > 600 && report.score >= 0.93, "\(report.score)")
  }
}

import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// The finder of this repository gives the same boxes on every backend, and is as good as its card says.
@Suite(.serialized) struct WrenQwenTests {
  /// What is to be found in wren's pictures, with its box in pixels of 64 (read off the pictures).
  static let things = [
    ("three", "red rectangle", [38, 43, 52, 50]), ("three", "green triangle", [7, 25, 19, 37]), ("three", "teal triangle", [47, 28, 58, 40]),
    ("garden", "gray circle", [1, 6, 23, 27]), ("garden", "yellow square", [26, 47, 41, 62]), ("garden", "brown circle", [49, 49, 61, 60]),
    ("sun", "yellow circle", [21, 15, 44, 39]), ("two", "brown circle", [19, 4, 47, 33]), ("two", "teal circle", [3, 48, 13, 59]),
  ]

  @Test(arguments: ["cpu", "vulkan", "reference"]) func itFindsThings(_ backend: String) throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: WrenTests.zoo + "/wren/pictures", toPath: folder.path + "/pictures")
    let lines = Self.things.map { picture, name, box in
      let places = box.map { $0 * 1000 / 64 }
      let answer = "<box>(\(places[0]),\(places[1])),(\(places[2]),\(places[3]))</box>"
      return #"{"messages": [{"role": "user", "content": "<image>Find the \#(name)."}, {"role": "assistant", "content": "\#(answer)"}], "images": ["pictures/\#(picture).png"]}"#
    }
    try folder.write("things.jsonl", lines.joined(separator: "\n"))
    func rows(_ backend: any Backend) throws -> [Evaluation.Row] {
      try Evaluation(.iou).run("wren-qwen", adapters: [], data: folder.path + "/things.jsonl", WrenTests.loader, on: backend) { _, _ in }.rows
    }
    let found = try rows(WrenTests.backend(backend))
    for row in found { #expect(row.score >= 0.5, "\(row.images) \(row.question): \(row.answer)") }
    #expect(found.map(\.answer) == (try rows(WrenTests.cpu())).map(\.answer))
    #expect(found.count == Self.things.count)
  }

  /// Pictures of seeds that training has not seen.
  @Test func itFindsThingsInFreshScenes() throws {
    let folder = try TemporaryFolder()
    _ = try SceneWriter.write(folder.path + "/scenes", seed: 7_000_000, count: 120, side: 64)
    let report = try Evaluation(.iou).run("wren-qwen", adapters: [], data: folder.path + "/scenes/boxes.jsonl", WrenTests.loader, on: WrenTests.cpu()) { _, _ in }
    #expect(report.rows.count > 200 && report.score >= 0.86, "\(report.score)")
  }
}

import CoreTestSupport
import Foundation
import Testing

/// The commands of docs/fine-tuning.md, run as they are printed, do what it says.
struct FineTuningGuideTests {
  @Test func aNewWordIsLearnt() throws {
    let guide = try String(contentsOfFile: Program.repository + "/docs/fine-tuning.md", encoding: .utf8)
    let start = try #require(guide.range(of: "## A new word in five minutes"))
    let section = guide[start.upperBound...]
    let end = try #require(section.range(of: "\n## "))
    // What stands between every other pair of fences.
    let blocks = section[..<end.lowerBound].components(separatedBy: "\n```").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    #expect(blocks.count == 3)
    let folder = try TemporaryFolder()
    let commands = blocks.joined(separator: "\n").replacing("/tmp/tuning", with: folder.path)
    let script = "set -euo pipefail\nPATH=\(Program.folder.path):$PATH\n\(commands)\n"
    let outcome = try Program.run("/usr/bin/bash", ["-c", script], in: Program.repository)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let lines = outcome.output.split(separator: "\n").map(String.init)
    #expect(lines.contains { $0.contains("⟦") })
    // Before and after: what it says of a picture, and its share of the questions.
    let before = try #require(lines.firstIndex(of: " red"))
    #expect(lines.count == before + 4, "\(lines.suffix(6))")
    #expect(lines[before + 1] == " scarlet", "\(lines.suffix(6))")
    let scores = lines[(before + 2)...].compactMap { $0.split(separator: " ").dropFirst().first.flatMap { Double($0) } }
    #expect(scores.count == 2 && scores[0] < 0.2 && scores[1] > 0.6, "\(lines.suffix(2))")
  }
}

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
    #expect(lines[before + 1] == " scarlet", "\(lines.suffix(6))")
    func scores(_ of: String) -> [Double] {
      lines[(before + 2)...].filter { $0.hasPrefix(of) }.compactMap { $0.dropFirst(of.count).split(separator: " ").first.flatMap { Double($0) } }
    }
    let (all, colours) = (scores("exact "), scores("  colour "))
    #expect(all.count == 2 && all[0] < 0.2 && all[1] > 0.6, "\(lines)")
    // The word itself is what is new: none of its answers was right.
    #expect(colours.count == 2 && colours[0] == 0 && colours[1] > 0.4, "\(lines)")
  }
}

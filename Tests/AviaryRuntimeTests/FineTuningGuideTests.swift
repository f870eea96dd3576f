import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// What docs/fine-tuning.md tells to do gives what it says: the files in its commands, trained and asked.
@Suite struct FineTuningGuideTests {
  private static let package = URL(fileURLWithPath: Golden.ownFolder).deletingLastPathComponent().deletingLastPathComponent().path

  /// The text that a command of the guide writes to a file.
  private static func written(_ file: String, _ guide: String) throws -> String {
    let start = try #require(guide.range(of: "> /tmp/tuning/\(file) <<"))
    let text = guide[start.upperBound...].drop { $0 != "\n" }.dropFirst()
    let end = try #require(text.range(of: "\nEND\n"))
    return String(text[..<end.lowerBound]) + "\n"
  }

  @Test func aNewWordIsLearnt() throws {
    let guide = try String(contentsOfFile: Self.package + "/docs/fine-tuning.md", encoding: .utf8)
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: Golden.ownFolder + "/images/a-cat.png", toPath: folder.path + "/a-cat.png")
    try folder.write("data.jsonl", try Self.written("data.jsonl", guide))
    let text = try Self.written("train.yaml", guide).replacing("$PWD", with: Self.package)
    var options = BackendOptions()
    options.threads = 2
    let backend = try Backends().open("cpu", options)
    let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))
    let config = try TrainConfig(yaml: text, name: "train.yaml", folder: folder.path)
    let run = try TrainingRun(config, text: text, loader, on: backend, resumes: false, skipsBad: false)
    var losses: [Double] = []
    try run.run { losses.append($0.loss) }
    #expect(run.result.hasSuffix("/run/step-60") && losses.count == 60)
    #expect(losses[59] < 0.01 && losses[0] > 1)
    for (adapters, score) in [([run.result], 1.0), ([], 0)] {
      let report = try Evaluation(.exact).run(config.model, adapters: adapters, data: folder.path + "/data.jsonl", loader, on: backend) { _, _ in }
      #expect(report.score == score, "\(report.rows.map(\.answer))")
    }
  }
}

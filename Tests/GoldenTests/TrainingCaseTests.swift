import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Recorded training runs: losses, gradients and weights after some steps.
struct TrainingCaseTests {
  static let cases = [Golden.folder, Golden.ownFolder].flatMap { root in
    ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).sorted().filter { $0.hasPrefix("train-") }.map { "\(root)/\($0)" }
  }

  @Test(arguments: cases, ["", "scalar"]) func aRecordedRunIsRepeated(folder: String, isa: String) throws {
    var options = BackendOptions()
    options.threads = 2
    if !isa.isEmpty { options.extra["isa"] = isa }
    let runner = GoldenRunner(ModelLoader(Surroundings(environment: [:], home: "/nonexistent")))
    let outcome = try runner.run(GoldenCase(folder), on: try Backends().open("cpu", options))
    let names = outcome.report.rows.map(\.name)
    #expect(names.contains("losses[0]") && names.contains("logits_after") && names.contains { $0.hasPrefix("grad.") } && names.contains { $0.hasPrefix("after.") })
    for row in outcome.report.rows { #expect(row.passes, "\(row.name) is \(row.relative) off (tolerance \(row.tolerance)) \(row.note)") }
  }

  @Test func theRepositoryHasItsOwn() {
    for name in ["train-llava-full", "train-llava-lora"] { #expect(Self.cases.contains("\(Golden.ownFolder)/\(name)")) }
  }
}

import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// Runs recorded cases on the backend that is meant for use; the reference backend would take minutes at full size.
enum Recorded {
  static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  static func expectRepeated(_ folder: String) throws {
    let outcome = try GoldenRunner(loader).run(GoldenCase(folder), on: Backends().open("cpu", BackendOptions()))
    #expect(Set(outcome.report.rows.map(\.name)).isSuperset(of: ["prompt", "input_ids", "logits", "step_logits", "generated_ids"]))
    for row in outcome.report.rows { #expect(row.passes, "\(row.name) is \(row.relative) off (tolerance \(row.tolerance)) \(row.note)") }
  }
}

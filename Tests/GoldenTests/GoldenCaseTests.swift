import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// Every recorded run of LLaVA and Yi-VL on every backend of this build: equal ids, tensors within 1e-3.
struct GoldenCaseTests {
  /// A backend, and for the processor's own each of its instruction sets.
  struct Machine: Sendable, CustomTestStringConvertible {
    let id: String
    var isa: String?
    var testDescription: String { isa.map { "\(id) \($0)" } ?? id }

    /// nil where this processor lacks the instruction set.
    func open() throws -> (any Backend)? {
      var options = BackendOptions()
      options.threads = 2
      guard let isa else { return try Backends().open(id, options) }
      options.extra["isa"] = isa
      do throws(AviaryError) { return try Backends().open(id, options) } catch {
        if error.kind == .device || error.kind == .config { return nil }
        throw error
      }
    }
  }

  static let machines = Backends().all.flatMap { type -> [Machine] in
    [Machine(id: type.id)] + (type.id == "cpu" ? ["scalar", "avx2"].map { Machine(id: type.id, isa: $0) } : [])
  }
  static let cases = Golden.cases("llava-", "yi-vl-")

  @Test(arguments: cases, machines) func aRecordedRunIsRepeated(folder: String, machine: Machine) throws {
    guard let backend = try machine.open() else { return }
    let runner = GoldenRunner(ModelLoader(Surroundings(environment: [:], home: "/nonexistent")))
    let outcome = try runner.run(GoldenCase(folder), on: backend)
    let names = Set(outcome.report.rows.map(\.name))
    #expect(names.isSuperset(of: ["prompt", "input_ids", "logits", "step_logits", "generated_ids"]))
    for row in outcome.report.rows {
      #expect(row.passes, "\(row.name) is \(row.relative) off (tolerance \(row.tolerance)) \(row.note)")
    }
    #expect(outcome.report.passes)
  }

  /// The repository's own four must be there: without them this file would pass by testing nothing.
  @Test func theRepositoryHasItsOwnCases() {
    for name in ["llava-hf-single", "llava-orig-single", "llava-next-odd", "yi-vl-single"] {
      #expect(Self.cases.contains("\(Golden.ownFolder)/\(name)"))
    }
  }

  @Test func aFolderThatIsNoCaseSaysSo() throws {
    let folder = try TemporaryFolder()
    expectError(.file, "no request.json", "a golden case's folder") { _ = try GoldenCase(folder.path) }
  }
}

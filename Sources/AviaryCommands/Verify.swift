import ArgumentParser
import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor

/// Runs golden cases: every stage of a model against the record of its reference implementation.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compare a model's every stage with a recorded run of its reference implementation.",
    discussion: "A CASE is a folder with model/, request.json, expected.json and expected.safetensors. Exits with 1 where a tensor is outside tolerance.")

  @Argument(help: "Folders of golden cases.")
  var cases: [String]
  @OptionGroup var backend: BackendArguments
  @Option(help: ArgumentHelp("Write this run's tensors as safetensors, under the recorded names.", valueName: "file"))
  var dump: String?
  @Option(help: "Relative L2 error that tensors may have.")
  var tolerance = 1e-3

  @Flag(help: "Print one JSON object a case instead of tables.")
  var json = false

  func run() throws {
    guard dump == nil || cases.count == 1 else { throw ValidationError("--dump takes one case") }
    let settings = try self.backend.settings()
    let backend = try settings.openBackend()
    var runner = GoldenRunner(try settings.loader())
    runner.weights = settings.weightTypes
    runner.tolerance = tolerance
    var failures = 0
    for folder in cases {
      let golden = try GoldenCase(folder)
      let outcome = try runner.run(golden, on: backend)
      if json {
        Console.print(JSONWriter.text(Self.json(golden, outcome, type(of: backend).id)))
      } else {
        Console.print("\(golden.name) on \(type(of: backend).id)\n\(Table.text(outcome.report.table))")
        for note in outcome.report.notes { Console.print("  \(note)") }
        Console.print(outcome.report.passes ? "holds, largest relative error \(ParityReport.short(outcome.report.worst))\n" : "FAILS\n")
      }
      if !outcome.report.passes { failures += 1 }
      if let dump { try GoldenRunner.dump(outcome.tensors, to: dump) }
    }
    if failures > 0 { throw ExitCode(1) }
  }

  private static func json(_ golden: GoldenCase, _ outcome: GoldenRunner.Outcome, _ backend: String) -> JSONValue {
    // A number that is none has no place in JSON.
    func number(_ x: Double) -> JSONValue { x.isFinite ? .double(x) : .null }
    let rows = outcome.report.rows.map { row -> JSONValue in
      object([
        ("name", .string(row.name)), ("shape", .array(row.shape.map(JSONValue.int))), ("max_abs", number(row.maxAbsolute)),
        ("relative", number(row.relative)), ("holds", .bool(row.passes)), ("note", .string(row.note)),
      ])
    }
    return object([
      ("case", .string(golden.name)), ("family", .string(outcome.family)), ("backend", .string(backend)), ("holds", .bool(outcome.report.passes)),
      ("largest_relative_error", number(outcome.report.worst)), ("tensors", .array(rows)),
    ])
  }

  private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }
}

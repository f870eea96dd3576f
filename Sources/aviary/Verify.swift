import ArgumentParser
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

  func run() throws {
    guard dump == nil || cases.count == 1 else { throw ValidationError("--dump takes one case") }
    let backend = try backend.settings().openBackend()
    var runner = GoldenRunner(.here)
    runner.tolerance = tolerance
    var failures = 0
    for folder in cases {
      let golden = try GoldenCase(folder)
      let outcome = try runner.run(golden, on: backend)
      Console.print("\(golden.name) on \(type(of: backend).id)\n\(Table.text(outcome.report.table))")
      for note in outcome.report.notes { Console.print("  \(note)") }
      Console.print(outcome.report.passes ? "holds, largest relative error \(ParityReport.short(outcome.report.worst))\n" : "FAILS\n")
      if !outcome.report.passes { failures += 1 }
      if let dump { try GoldenRunner.dump(outcome.tensors, to: dump) }
    }
    if failures > 0 { throw ExitCode(1) }
  }
}

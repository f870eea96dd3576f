import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Trains a model, or an adapter for one; `aviary train report` draws what a run logged.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Train a model or a LoRA adapter as a YAML file says.", subcommands: [TrainFile.self, TrainReport.self], defaultSubcommand: TrainFile.self)
}

/// What `aviary train FILE` means.
struct TrainFile: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "file", abstract: "Train as a YAML file says; the word `file` may be left out.",
    discussion: "Writes a run folder with metrics.jsonl and checkpoints that every other command takes. See docs/fine-tuning.md.")

  @Argument(help: "What to train, on what, and how: a YAML file.")
  var file: String
  @Flag(help: "Go on where the run stopped.")
  var resume = false
  @Flag(help: "Leave lines of data out that cannot be used, and count them.")
  var skipBad = false
  @Option(help: "Print that many samples with what is learnt between ⟦ and ⟧, and end.")
  var show: Int?
  @Option(name: .shortAndLong, help: ArgumentHelp("The run folder, instead of the file's.", valueName: "dir"))
  var output: String?
  @OptionGroup var backend: BackendArguments

  func run() throws {
    let text = try TextFile.read(file)
    let parent = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
    var config = try TrainConfig(yaml: text, name: file, folder: parent)
    if let output { config.output = output }
    let settings = try backend.settings()
    let (loader, opened) = (try settings.loader(), try settings.openBackend())
    if let show {
      for sample in try TrainingRun.samples(config, count: show, loader, on: opened, skipsBad: skipBad) { Console.print(sample + "\n") }
      return
    }
    defer { Console.clearProgress() }
    let checking = "checking every line of the data"
    // In a log as well: with a million lines half a minute passes before the first step.
    if Console.isTerminal { Console.progress(checking) } else { Console.error(checking) }
    let run = try TrainingRun(config, text: text, loader, on: opened, resumes: resume, skipsBad: skipBad)
    let interrupt = Interrupt()
    let cancel = CancellationFlag()
    interrupt.onInterrupt { cancel.cancel() }
    var said = 0
    func say() {
      for notice in run.notices[said...] { Console.error(notice) }
      said = run.notices.count
    }
    try run.run(cancel) { p in
      say()
      Console.progress(Self.line(p))
      if !Console.isTerminal, p.step == p.steps || p.step % 50 == 0 || p.step == 1 { Console.error(Self.line(p)) }
    }
    say()
    Console.print(run.result)
  }

  private static func line(_ p: TrainingRun.Progress) -> String {
    let left = Int(p.secondsLeft)
    let loss = (p.loss * 1e4).rounded() / 1e4
    return "stage \(p.stage) step \(p.step) of \(p.steps): loss \(loss), \(Int(p.tokensPerSecond)) tokens/s, \(left / 60) min \(left % 60) s left"
  }
}

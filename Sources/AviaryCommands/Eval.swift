import ArgumentParser
import AviaryRuntime
import AviaryTensor

/// Scores a model's answers.
struct Eval: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask a model every question of a file and score its answers.",
    discussion: "Lines have the forms that `aviary train` reads; the last answer is the reference, or `answers` or `references` are. Where lines have a `category`, each has a score.")

  @Argument(help: "A model.")
  var model: String
  @Option(help: ArgumentHelp("Questions with their answers, JSON or JSONL.", valueName: "file"))
  var data: String
  @Option(help: "exact, vqa, cider, cer or iou.")
  var metric: String
  @Option(help: ArgumentHelp("A LoRA adapter's folder, perhaps with a factor; may be given several times.", valueName: "dir[=scale]"))
  var adapter: [String] = []
  @Option(help: "Most tokens of an answer.")
  var maxTokens = 64
  @Option(help: "Questions that are answered at the same time; answers stay the same, memory for their caches grows.")
  var batch = 8
  @Option(help: "Lines to ask, from the first.")
  var limit: Int?
  @Option(help: ArgumentHelp("Write PREFIX.json and PREFIX.md, with the answers that were not right.", valueName: "prefix"))
  var report: String?
  @Flag(help: "Print the report as JSON.")
  var json = false
  @OptionGroup var backend: BackendArguments

  func run() throws {
    guard maxTokens > 0, limit ?? 1 > 0, (1...256).contains(batch) else {
      throw ValidationError("--max-tokens and --limit are 1 or more, --batch is 1 to 256")
    }
    guard let metric = Evaluation.Metric(rawValue: metric) else {
      throw AviaryError(.request, "no metric \(metric)", wanted: "one of " + Evaluation.Metric.allCases.map(\.rawValue).joined(separator: ", "), at: "--metric")
    }
    var evaluation = Evaluation(metric)
    (evaluation.maxTokens, evaluation.batch) = (maxTokens, batch)
    evaluation.limit = limit ?? .max
    let settings = try backend.settings()
    let found = try evaluation.run(model, adapters: adapter, data: data, try settings.loader(), on: try settings.openBackend()) { done, all in
      Console.progress("\(done) of \(all)")
    }
    Console.clearProgress()
    if let report { try found.write(report) }
    Console.print(json ? found.json : found.text)
  }
}

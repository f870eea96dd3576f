import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Measures how well a model predicts a text.
struct PerplexityCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "perplexity", abstract: "Measure how well a model predicts a text.",
    discussion: "The text is cut into windows that do not overlap; each predicts its second token to its last.")

  @Argument(help: "A model.")
  var model: String
  @Argument(help: ArgumentHelp("A text.", valueName: "file"))
  var text: String
  @Option(help: "Tokens of a window.")
  var window = 512
  @Option(help: "Characters of the text that count; all by default.")
  var characters: Int?
  @OptionGroup var backend: BackendArguments

  func run() throws {
    let settings = try backend.settings()
    let loaded = try settings.loader().load(model, on: settings.openBackend(), weights: settings.weightTypes)
    guard let tokenizer = loaded.processor?.tokenizer else { throw AviaryError(.request, "\(loaded.name) has no tokenizer", wanted: "a checkpoint with one") }
    let whole = try TextFile.read(text)
    let ids = try tokenizer.encode(MarkedText(untrusted: characters.map { String(whole.prefix(max(0, $0))) } ?? whole), addSpecial: true)
    let value = try Perplexity(window: window).measure(ids, on: loaded) { Console.error("\($0) of \(ids.count) tokens: \($1)") }
    Console.print("\(value)")
  }
}

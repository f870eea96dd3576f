import ArgumentParser
import AviaryRuntime

/// Adds adapters to a model's weights for good.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a model with LoRA adapters merged into its weights.",
    discussion: "The result is an ordinary checkpoint of the family; its tensors keep their types.")

  @Argument(help: "The model's folder.")
  var model: String
  @Option(help: ArgumentHelp("An adapter's folder, perhaps with a factor; may be given several times.", valueName: "dir[=scale]"))
  var adapter: [String]
  @Option(name: .shortAndLong, help: ArgumentHelp("The folder to write, which must not be there.", valueName: "dir"))
  var output: String

  func run() throws {
    let changed = try ModelLoader.here.merge(model, adapters: adapter, to: output)
    Console.print("\(output): \(changed) tensors changed")
  }
}

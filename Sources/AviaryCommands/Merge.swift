import ArgumentParser
import AviaryRuntime
import AviaryTensor

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

  func run() throws { try Self.write(model, adapters: adapter, to: output, .here) }

  static func write(_ model: String, adapters: [String], to output: String, as type: DType? = nil, _ loader: ModelLoader) throws(AviaryError) {
    guard !adapters.isEmpty else { throw AviaryError(.request, "no adapter", wanted: "--adapter DIR at least once") }
    let changed = try loader.merge(model, adapters: adapters, to: output, as: type)
    Console.print("\(output): \(changed) tensors changed")
  }
}

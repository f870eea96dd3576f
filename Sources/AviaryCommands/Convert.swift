import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Writes a checkpoint as GGUF files.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint as GGUF files, or with adapters merged into it.",
    discussion: """
      The language model goes to FILE; a vision tower with its projector goes beside it, as mmproj-FILE. llama.cpp opens both. \
      With --merge, MODEL and the LoRA adapters that --adapter names become a checkpoint in the folder --to, as with `aviary merge`.
      """)

  @Argument(help: "A model.")
  var model: String
  @Option(help: ArgumentHelp("Where to write.", valueName: "file.gguf|dir"))
  var to: String
  @Option(help: ArgumentHelp("Type of the language model's matrices: \(Convert.types).", valueName: "type"))
  var weights = "f16"
  @Option(help: ArgumentHelp("Type of the vision tower's matrices.", valueName: "type"))
  var vision = "f16"
  @Option(help: ArgumentHelp("Type of the projector's matrices (f16); with --merge an adapter's folder, as `aviary merge` takes it.", valueName: "type|dir"))
  var adapter: [String] = []
  @Flag(help: "Write a checkpoint of the family with adapters merged in, instead of GGUF files.")
  var merge = false

  @OptionGroup var modules: ModuleArguments

  private static let types = DType.storable.map(\.description).joined(separator: ", ")

  func run() throws {
    let loader = try modules.settings().loader()
    if merge { return try Merge.write(model, adapters: adapter, to: to, loader) }
    guard adapter.count < 2 else { throw AviaryError(.request, "\(adapter.count) types of the projector", wanted: "one, or --merge with adapters", at: "--adapter") }
    guard to.hasSuffix(".gguf") else { throw AviaryError(.request, "the file \(to)", wanted: "a name that ends in .gguf", at: "--to") }
    var conversion = Conversion(loader)
    conversion.weights = try type(weights, "--weights")
    conversion.vision = try type(vision, "--vision")
    conversion.adapter = try type(adapter.first ?? "f16", "--adapter")
    for file in try conversion.run(model, to: to) { Console.print(file) }
  }

  private func type(_ name: String, _ flag: String) throws(AviaryError) -> DType {
    guard let type = DType.storable.first(where: { $0.description == name }) else { throw AviaryError(.request, name, wanted: "one of \(Convert.types)", at: flag) }
    return type
  }
}

import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Writes a checkpoint as GGUF files, or as a checkpoint in another type.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write a checkpoint as GGUF files, in another floating-point type, or with adapters merged into it.",
    discussion: """
      Where --to ends in .gguf the language model goes to it; a vision tower with its projector goes beside it, as mmproj-FILE. llama.cpp opens both. \
      Otherwise --to is a folder, which becomes a checkpoint of the family with all numbers in the type that --weights names. \
      With --merge, MODEL and the LoRA adapters that --adapter names become such a checkpoint, as with `aviary merge`.
      """)

  @Argument(help: "A model.")
  var model: String
  @Option(help: ArgumentHelp("Where to write.", valueName: "file.gguf|dir"))
  var to: String
  @Option(help: ArgumentHelp("Type of the language model's matrices in GGUF (f16): \(names(DType.storable)). Of all numbers in a folder: \(names(floats)).", valueName: "type"))
  var weights: String?
  @Option(help: ArgumentHelp("Type of the vision tower's matrices in GGUF (f16).", valueName: "type"))
  var vision: String?
  @Option(help: ArgumentHelp("Type of the projector's matrices in GGUF (f16); with --merge an adapter's folder, as `aviary merge` takes it.", valueName: "type|dir"))
  var adapter: [String] = []
  @Flag(help: "Write a checkpoint of the family with adapters merged in, instead of GGUF files.")
  var merge = false

  @OptionGroup var modules: ModuleArguments

  private static let floats: [DType] = [.f32, .f16, .bf16]
  private static func names(_ types: [DType]) -> String { types.map(\.description).joined(separator: ", ") }

  func run() throws {
    let loader = try modules.settings().loader()
    let isFile = to.hasSuffix(".gguf")
    let stored = try weights.map { (name) throws(AviaryError) in try type(name, "--weights", of: isFile ? DType.storable : Convert.floats) }
    guard isFile else {
      guard vision == nil else { throw AviaryError(.request, "a type of the vision tower for the folder \(to)", wanted: "--weights, which all numbers of a folder have", at: "--vision") }
      return try writeFolder(loader, stored)
    }
    guard !merge else { throw AviaryError(.request, "the file \(to)", wanted: "a folder for --merge, which `aviary convert` then writes as GGUF", at: "--to") }
    guard adapter.count < 2 else { throw AviaryError(.request, "\(adapter.count) types of the projector", wanted: "one, or --merge with adapters", at: "--adapter") }
    var conversion = Conversion(loader)
    conversion.weights = stored ?? .f16
    conversion.vision = try type(vision ?? "f16", "--vision", of: DType.storable)
    conversion.adapter = try type(adapter.first ?? "f16", "--adapter", of: DType.storable)
    for file in try conversion.run(model, to: to) { Console.print(file) }
  }

  private func writeFolder(_ loader: ModelLoader, _ stored: DType?) throws(AviaryError) {
    if merge { return try Merge.write(model, adapters: adapter, to: to, as: stored, loader) }
    guard adapter.isEmpty else { throw AviaryError(.request, "\(quoted(adapter[0])) for the folder \(to)", wanted: "--merge with an adapter, or --weights, which all numbers of a folder have", at: "--adapter") }
    guard let stored else { throw AviaryError(.request, "the file \(to)", wanted: "a name that ends in .gguf, or --weights with the type of a folder's numbers", at: "--to") }
    try loader.store(model, as: stored, to: to)
    Console.print(to)
  }

  private func type(_ name: String, _ flag: String, of types: [DType]) throws(AviaryError) -> DType {
    guard let type = types.first(where: { $0.description == name }) else { throw AviaryError(.request, name, wanted: "one of \(Convert.names(types))", at: flag) }
    return type
  }
}

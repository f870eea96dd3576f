import ArgumentParser
import AviaryRuntime
import AviaryTensor
import AviaryTesting

/// Writes a checkpoint of random numbers.
struct NewCheckpoint: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "checkpoint", abstract: "Make a checkpoint of random numbers from a family's configuration.",
    discussion: "Weights under the published names, a tokenizer where none is given. What such a model answers is noise.")

  @Argument(help: "The folder to write; it must not be there yet.")
  var folder: String
  @Option(help: ArgumentHelp("A config.json, or a checkpoint's folder whose small files are taken.", valueName: "path"))
  var like: String
  @Option(help: "How the numbers are stored: f32, f16 or bf16.")
  var weights = "f32"
  @Option(help: "Other seeds give other numbers.")
  var seed: UInt64 = 1
  @Option(help: ArgumentHelp("A control token of the tokenizer, with its id; may be given several times.", valueName: "token=id"))
  var token: [String] = []
  @OptionGroup var modules: ModuleArguments

  func run() throws {
    var checkpoint = try RandomCheckpoint(like: like)
    guard let dtype = [DType.f32, .f16, .bf16].first(where: { $0.description == weights }) else {
      throw AviaryError(.request, "--weights \(weights)", wanted: "f32, f16 or bf16")
    }
    (checkpoint.dtype, checkpoint.seed) = (dtype, seed)
    for word in token {
      guard let sign = word.lastIndex(of: "="), let id = Int32(word[word.index(after: sign)...]), id >= 0, sign != word.startIndex else {
        throw AviaryError(.request, "--token \(word)", wanted: "a token and its id: \"<image>=3\"")
      }
      checkpoint.controls[String(word[..<sign])] = id
    }
    let own = Modules().architectures
    let extra = try modules.settings().modules().architectures.filter { type in !own.contains { $0.id == type.id } }
    let count = try checkpoint.write(to: folder, for: extra)
    Console.print("\(folder): \(Amount.count(count)) random numbers")
  }
}

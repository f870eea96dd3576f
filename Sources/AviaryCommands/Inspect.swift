import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// What a checkpoint holds.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show a checkpoint's family, configuration and tensors.")

  @Argument(help: "A model.")
  var model: String
  @Flag(help: "List every tensor.")
  var tensors = false
  @OptionGroup var modules: ModuleArguments

  func run() throws {
    let loader = try modules.settings().loader()
    let folder = try loader.folder(model)
    let family = try loader.architecture(of: folder)
    Console.print("family      \(family.id)")
    let config = try folder.config()
    Console.print("type        \(try (config.strings("architectures") + [config.string("model_type", default: "")]).filter { !$0.isEmpty }.joined(separator: ", "))")
    if config.has("auto_map") { Console.print("note        the checkpoint names code of its own (auto_map); Aviary never runs it") }
    let (source, names) = try loader.weights(folder)
    Console.print("weights     \(source.summary)")
    var bytes = 0
    var byType: [DType: Int] = [:]
    for name in source.names {
      guard let tensor = try source.tensor(name) else { continue }
      bytes += tensor.byteCount
      byType[tensor.dtype, default: 0] += tensor.shape.elements
    }
    let types = byType.sorted { $0.value > $1.value }.map { "\(Amount.count($0.value)) \($0.key)" }
    Console.print("numbers     \(types.joined(separator: ", ")), \(Amount.bytes(bytes))")
    guard tensors else { return }
    for name in source.names {
      guard let tensor = try source.tensor(name) else { continue }
      Console.print("\(tensor.dtype)\t\(tensor.shape)\t\(name)\(names.canonical(name) == nil ? "\t(not used)" : "")")
    }
  }
}

/// Numbers for people.
enum Amount {
  static func bytes(_ n: Int) -> String { scaled(Double(n), [("GiB", 0x1p30), ("MiB", 0x1p20), ("KiB", 0x1p10)]) ?? "\(n) bytes" }
  static func count(_ n: Int) -> String { scaled(Double(n), [("B", 1e9), ("M", 1e6), ("k", 1e3)]) ?? "\(n)" }

  private static func scaled(_ x: Double, _ units: [(String, Double)]) -> String? {
    for (unit, size) in units where x >= size { return "\((x / size * 100).rounded() / 100) \(unit)" }
    return nil
  }
}

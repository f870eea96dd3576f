import ArgumentParser
import AviaryRuntime
import AviaryTensor
import Foundation

/// Makes a shared library from a family's or a backend's sources.
struct Plugin: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compile a family's or a backend's folder to a shared library, for --plugin.",
    discussion: """
      FOLDER holds the Swift sources of a type that is called as the folder is. It is compiled against the modules of this very build, which lie beside the \
      program, and runs in no other: a program of another build refuses it.
      """)

  @Argument(help: "A folder of Swift sources.")
  var folder: String
  @Option(name: .shortAndLong, help: ArgumentHelp("The library to write (default: libNAME.so, here).", valueName: "file"))
  var output: String?
  @Option(help: ArgumentHelp("A type to register; may be given several times (default: the folder's name).", valueName: "type"))
  var register: [String] = []

  func run() throws {
    let folder = URL(fileURLWithPath: folder)
    let name = folder.lastPathComponent
    let builder = PluginBuilder(name: name, types: register.isEmpty ? [name] : register)
    let target = output ?? "lib\(name).so"
    try builder.build(folder, to: target)
    Console.print(target)
  }
}

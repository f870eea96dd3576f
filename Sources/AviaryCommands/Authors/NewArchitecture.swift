import ArgumentParser
import AviaryRuntime
import AviaryTensor

/// Writes the folder of a new family.
struct NewArchitecture: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "architecture", abstract: "Write the folder of a new model family, which builds and runs a random checkpoint.",
    discussion: """
      In Aviary's repository, NAME becomes Plugins/Architectures/NAME and its tests Tests/FamilyTests/NAMETests.swift. With --at FOLDER, only the family \
      is written, to FOLDER/NAME: for a package of your own, or for `aviary plugin`. Nothing is ever overwritten.
      """)

  @Argument(help: "A Swift type's name: Heron.")
  var name: String
  @Option(help: ArgumentHelp("Write the family below this folder instead.", valueName: "folder"))
  var at: String?

  func run() throws {
    let scaffold = try Scaffold(name)
    let taken = Modules.ofProgram.architectures.filter { $0.id == scaffold.id || $0.claims.contains(scaffold.id) || "\($0)" == name }
    guard taken.isEmpty else {
      throw AviaryError(.request, "the name \(name)", wanted: "one that no family has; \(taken[0]) is there already")
    }
    for path in try scaffold.write(to: at) { Console.print(path) }
    Console.error("next: docs/adding-a-model.md")
  }
}

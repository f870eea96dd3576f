import CoreTestSupport
import Foundation
import Testing

/// `aviary new architecture`: what it writes compiles, and what it must not write it does not.
struct NewArchitectureTests {
  /// A folder that looks like the repository.
  static func repository() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("Plugins/Architectures/Stork/Stork.swift", "")
    try folder.write("Tests/FamilyTests/StorkTests.swift", "")
    return folder
  }

  @Test func itWritesAFamilyAndItsTestsIntoTheRepository() throws {
    let folder = try Self.repository()
    let outcome = try Program.aviary.run(["new", "architecture", "Heron"], in: folder.path)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let family = "Plugins/Architectures/Heron"
    let paths = ["\(family)/Heron.swift", "\(family)/HeronProcessor.swift", "\(family)/README.md", "Tests/FamilyTests/HeronTests.swift"]
    #expect(outcome.output.split(separator: "\n").map(String.init) == paths)
    for path in paths {
      let text = try String(contentsOfFile: "\(folder.path)/\(path)", encoding: .utf8)
      #expect(text.contains("Heron") && !text.contains("__"), "\(path)")
    }
  }

  @Test func nothingIsOverwritten() throws {
    let folder = try Self.repository()
    for name in ["Stork", "STORK"] {
      try Program.aviary.expectRefusal(["new", "architecture", name], in: folder.path, "Stork", "already")
    }
    try folder.write("Tests/FamilyTests/HeronTests.swift", "mine")
    try Program.aviary.expectRefusal(["new", "architecture", "Heron"], in: folder.path, "HeronTests.swift", "already")
    #expect(try String(contentsOfFile: "\(folder.path)/Tests/FamilyTests/HeronTests.swift", encoding: .utf8) == "mine")
    #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/Plugins/Architectures/Heron"))
  }

  @Test(arguments: ["heron", "", "Heron Bird", "Heron/../Stork", "Héron", "9Lives", "Tensor", "Self", String(repeating: "H", count: 41)])
  func badNamesAreRefused(_ name: String) throws {
    let folder = try Self.repository()
    try Program.aviary.expectRefusal(["new", "architecture", "--", name], in: folder.path, "the name", "wanted")
  }

  @Test(arguments: ["LLaVA", "Llava", "Vary"]) func namesOfFamiliesAreTaken(_ name: String) throws {
    let folder = try Self.repository()
    try Program.aviary.expectRefusal(["new", "architecture", name], in: folder.path, "the name \(name)", "there already")
  }

  @Test func itNeedsTheRepositoryOrAFolder() throws {
    let folder = try TemporaryFolder()
    try Program.aviary.expectRefusal(["new", "architecture", "Heron"], in: folder.path, "no Plugins/Architectures here", "--at")
  }
}

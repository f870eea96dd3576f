import AviaryRuntime
import CoreTestSupport
import Foundation
import Testing

/// The number of a build changes when code does, and only then.
struct BuildNumberTests {
  /// What the tool writes for a source.
  static func written(_ source: String) throws -> String {
    let folder = try TemporaryFolder()
    try folder.write("Source.swift", source)
    let tool = Program(name: "BuildNumberTool")
    let compiler = try Program.run("/usr/bin/env", ["bash", "-c", "command -v swiftc"]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    let outcome = try tool.run(["\(folder.path)/Number.swift", compiler, "\(folder.path)/Source.swift"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    return try String(contentsOfFile: "\(folder.path)/Number.swift", encoding: .utf8)
  }

  @Test func itFollowsTheCode() throws {
    let source = "public struct Heron {\n  public var legs = 2\n}\n"
    let number = try Self.written(source)
    #expect(number == (try Self.written("// A bird.\n\npublic struct Heron {\n    public var legs = 2\n}\n")))
    // A stored property that nobody outside can see moves what lies behind it.
    #expect(number != (try Self.written(source.replacing("public var", with: "private var age = 0\n  public var"))))
    #expect(number != (try Self.written(source.replacing("legs", with: "wings"))))
    #expect(number.contains("compiler = \"\(BuildNumber.compiler)\""))
    #expect(BuildNumber.value != 0 && BuildNumber.compiler.contains("."))
  }
}

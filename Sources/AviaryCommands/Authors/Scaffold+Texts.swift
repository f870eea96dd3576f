import Foundation

/// What stands in a new family's files; `__NAME__` and `__ID__` are filled in. Its code is that of the example which
/// docs/adding-a-model.md builds, under another name.
extension Scaffold {
  static let architecture = renamed(
    ExampleFamily.architecture, saying: "__NAME__ (who, when, where it is described): what it is made of, in a sentence.")
  static let processor = renamed(ExampleFamily.processor, saying: "__NAME__'s prompts and pictures.")
  /// A configuration with small sizes, as published ones are written.
  static let configuration = renamed(ExampleFamily.configuration, saying: "")

  /// The example's text with a new family's names, and with another comment on its type.
  private static func renamed(_ text: String, saying comment: String) -> String {
    var lines = text.components(separatedBy: "\n")
    if let type = lines.firstIndex(where: { $0.hasPrefix("public enum ") || $0.hasPrefix("struct ") }) {
      let start = lines[..<type].lastIndex { !$0.hasPrefix("///") }.map { $0 + 1 } ?? 0
      lines.replaceSubrange(start..<type, with: ["/// \(comment)"])
    }
    // Class names of the original follow the word for the configuration.
    if let claims = lines.firstIndex(where: { $0.contains("static let claims = ") }) {
      lines.replaceSubrange(
        claims...claims, with: ["  /// Values of `model_type` and `architectures` in its published config.json.", "  public static let claims = [\"__ID__\"]"])
    }
    return lines.joined(separator: "\n").replacing("ViPLLaVA", with: "__NAME__").replacing("vipllava", with: "__ID__")
  }

  static let readme = #"""
    # __NAME__

    What it is made of, who published it, where it is described.

    Golden cases: `__ID__-*`; none yet.

    What is easily got wrong:

    - ...

    """#

  static let tests = #"""
    import Architectures
    import AviaryTesting
    import CoreTestSupport
    import Testing

    struct __NAME__Tests {
      /// The published configuration with small sizes.
      static let configuration = """
    __CONFIGURATION__
        """

      /// Configuration, names, shapes, prompt and pictures fit together.
      @Test func aRandomCheckpointAnswers() async throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path + "/tiny"
        try RandomCheckpoint(["config.json": Self.configuration]).write(to: folder)
        let model = try ModelUnderTest(folder)
        #expect(model.engine.loaded.architecture == __NAME__.id)
        #expect(!(try await model.answer("What is this?", [ModelUnderTest.picture()])).generatedIDs.isEmpty)
      }

      /// Fails until a run of the original code is recorded: docs/adding-a-model.md, "Is it right?".
      @Test func theRecordedRunHolds() throws {
        let folder = try #require(Golden.find("__ID__-single"), "there is no recorded run __ID__-single")
        #expect(try Parity.failures(of: folder) == [])
      }
    }

    """#
}

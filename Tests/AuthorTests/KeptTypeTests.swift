import CoreTestSupport
import Testing

/// `--kv` chooses how keys and values are stored; what a backend or a model cannot keep so is refused before anything runs.
struct KeptTypeTests {
  private static let question = ["--image", "Zoo/wren/pictures/three.png", "What color is the rectangle?"]

  @Test(arguments: ["f32", "f16", "bf16", "q8_0"]) func theAnswerIsTheSame(_ type: String) throws {
    let outcome = try Program.aviary.run(["run", "Zoo/wren", "--kv", type] + Self.question, in: Program.repository)
    #expect(outcome.code == 0 && outcome.output == " red\n", "\(outcome.output)\(outcome.errors)")
  }

  @Test func whatCannotBeKeptSoIsRefused() throws {
    func expect(_ arguments: [String], _ parts: String...) throws { try Program.aviary.expectRefusal(["run"] + arguments, in: Program.repository, parts[0], parts[1], "kv") }
    try expect(["Zoo/wren", "--kv", "q4_0"] + Self.question, "q4_0", "q8_0")
    try expect(["Zoo/wren", "--kv", "q8_0", "--backend", "vulkan"] + Self.question, "keys and values in q8_0", "f16")
    try expect(["Tests/Golden/llava-hf-single/model", "--kv", "q8_0", "Hello"], "keys and values of 16 numbers", "multiple of 32")
  }
}

import AviaryCore
import AviaryFormats
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Checkpoints of random numbers for families of this build, from the configurations of recorded cases.
struct RandomCheckpointTests {
  static let cases = ["llava-hf-single", "llava-next-odd", "yi-vl-single", "qwen-vl-chat-single", "deepseek-vl-hf-single", "flamingo-idefics-single"]

  @Test(arguments: cases.filter(Golden.has)) func aFamilyTakesItsCheckpoint(_ name: String) async throws {
    let recorded = try #require(Golden.find(name)) + "/model"
    let temporary = try TemporaryFolder()
    let folder = "\(temporary.path)/\(name)"
    var checkpoint = try RandomCheckpoint(like: recorded)
    checkpoint.dtype = .bf16
    #expect(try checkpoint.write(to: folder) > 1000)
    // Families with several layouts get one that they read; for the others, the names are the published ones.
    let stored = try Checkpoint.open("\(folder)/model.safetensors")
    #expect(try stored.names.allSatisfy { try stored.tensor($0)?.dtype == .bf16 })
    if ["qwen-vl-chat-single", "deepseek-vl-hf-single", "flamingo-idefics-single"].contains(name) {
      #expect(Set(stored.names).isSubset(of: Set(try Checkpoint.open(recorded).names)))
    }
    let model = try ModelUnderTest(folder)
    #expect(!(try await model.answer("What?", [ModelUnderTest.picture(width: 60, height: 50)])).inputIDs.isEmpty)
  }

  static let llama = #"""
    {"model_type": "llama", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 700}
    """#

  @Test func theTokenizerTakesEveryTextAndGivesItBack() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.path + "/tiny"
    var checkpoint = RandomCheckpoint(["config.json": Self.llama])
    checkpoint.controls["<image>"] = 699
    try checkpoint.write(to: folder)
    let tokenizer = try ModelUnderTest.loader().folder(folder).tokenizer()
    #expect(tokenizer.id(of: "<image>") == 699 && tokenizer.bos == 1 && tokenizer.eos == 2)
    let text = "Zwölf Boxkämpfer \u{0}\u{7f} 鷺 🪿\n"
    let ids = try tokenizer.encode(MarkedText(untrusted: text), addSpecial: true)
    #expect(ids.first == 1 && ids.count == text.utf8.count + 1)
    #expect(tokenizer.decode(ids, skipSpecial: true) == text)
    #expect((0..<700).allSatisfy { tokenizer.token($0) != nil })
  }

  @Test func theSeedDecides() throws {
    let temporary = try TemporaryFolder()
    var checkpoint = RandomCheckpoint(["config.json": Self.llama])
    for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
      checkpoint.seed = UInt64(seed)
      try checkpoint.write(to: "\(temporary.path)/\(name)")
    }
    let files = try ["a", "b", "c"].map { try Data(contentsOf: URL(fileURLWithPath: "\(temporary.path)/\($0)/model.safetensors")) }
    #expect(files[0] == files[1] && files[0] != files[2])
  }

  @Test func whatCannotBeMadeLeavesNothingBehind() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.path + "/tiny"
    expectError(.config, "wren") { try RandomCheckpoint(["config.json": #"{"model_type": "wren"}"#]).write(to: folder) }
    expectError(.request, "a vocabulary of 100 tokens") { try RandomCheckpoint(["config.json": Self.llama.replacing("700", with: "100")]).write(to: folder) }
    expectError(.request, "no configuration") { try RandomCheckpoint([:]).write(to: folder) }
    expectError(.file, "there is no") { _ = try RandomCheckpoint(like: folder) }
    #expect(!FileManager.default.fileExists(atPath: folder))
    try RandomCheckpoint(["config.json": Self.llama]).write(to: folder)
    expectError(.request, "there is something") { try RandomCheckpoint(["config.json": Self.llama]).write(to: folder) }
  }

  @Test func aTamperedRecordIsNamed() throws {
    let folder = try #require(Golden.find("llava-hf-single"))
    #expect(try Parity.failures(of: folder) == [])
    // The model that was recorded is another one.
    let temporary = try TemporaryFolder()
    let copy = temporary.path + "/case"
    try FileManager.default.copyItem(atPath: folder, toPath: copy)
    try FileManager.default.copyItem(atPath: folder + "/../images", toPath: temporary.path + "/images")
    try FileManager.default.removeItem(atPath: copy + "/model")
    try RandomCheckpoint(like: folder + "/model").write(to: copy + "/model")
    let failures = try Parity.failures(of: copy)
    #expect(failures.contains { $0.hasPrefix("logits ") } && !failures.contains { $0.hasPrefix("input_ids") })
  }
}

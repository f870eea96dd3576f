import AviaryTensor
import AviaryTesting
import Foundation
import Testing
import ViPLLaVA

/// The family on a checkpoint of random numbers.
struct ViPLLaVATests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  /// The published model's, with small sizes.
  static let configuration = folder.appending(path: "config.json").path

  /// What Hugging Face's code computed from the same numbers (record.py).
  @Test func theRecordedRunHolds() throws {
    #expect(try Parity.failures(of: Self.folder.appending(path: "vip-single").path, for: [ViPLLaVA.self]) == [])
  }

  @Test func aRandomCheckpointAnswers() async throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.path + "/vip-tiny"
    let count = try RandomCheckpoint(like: Self.configuration).write(to: folder, for: [ViPLLaVA.self])
    #expect(count > 50_000)
    let model = try ModelUnderTest(folder, for: [ViPLLaVA.self])
    let result = try await model.answer("What do you see?", [ModelUnderTest.picture()])
    #expect(result.prompt.hasSuffix("###Human: " + String(repeating: "<image>", count: 16) + "\nWhat do you see?###Assistant:"))
    #expect(!result.generatedIDs.isEmpty)
  }

  @Test func aLayerThatThereIsNotIsRefused() throws {
    let temporary = try TemporaryFolder()
    let text = try String(contentsOfFile: Self.configuration, encoding: .utf8).replacing("[-2, 1]", with: "[-2, 9]")
    let checkpoint = RandomCheckpoint(["config.json": text])
    let error = #expect(throws: AviaryError.self) { try checkpoint.write(to: temporary.path + "/vip-tiny", for: [ViPLLaVA.self]) }
    #expect(error?.description.contains("vision_feature_layers") == true)
  }
}

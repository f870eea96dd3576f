import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Checkpoints written as GGUF files and read again.
@Suite struct ConversionTests {
  static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  /// Ids that a prompt becomes, and its logits.
  private func logits(_ path: String, _ prompt: MarkedText) throws -> (ids: [Int32], logits: [Float], sees: Bool) {
    let model = try Self.loader.load(path, on: Reference())
    let tokenizer = try #require(model.processor?.tokenizer)
    let ids = try tokenizer.encode(prompt, addSpecial: true)
    let sequence = try TokenSequence(model, capacity: 64)
    return (ids, try sequence.prefill(TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: prompt.text), []).logits, model.model.canSee)
  }

  @Test(arguments: ["llava-hf-single", "llava-orig-single", "yi-vl-single", "llava-next-odd"])
  func aCheckpointKeepsItsLogits(_ name: String) throws {
    let model = try #require(Golden.find(name)) + "/model"
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.gguf"
    var conversion = Conversion(Self.loader)
    (conversion.weights, conversion.vision, conversion.adapter) = (.f32, .f32, .f32)
    #expect(try conversion.run(model, to: path).map { URL(fileURLWithPath: $0).lastPathComponent } == ["out.gguf", "mmproj-out.gguf"])
    let (before, after) = (try logits(model, "A picture, \(MarkedText(untrusted: "perhaps of a cat?"))"), try logits(path, "A picture, \(MarkedText(untrusted: "perhaps of a cat?"))"))
    #expect(before.ids == after.ids)
    #expect(after.sees)
    let largest = before.logits.map(abs).max() ?? 0
    let worst = zip(before.logits, after.logits).map { abs($0 - $1) }.max() ?? .infinity
    #expect(worst < 1e-4 * largest, "\(worst) of \(largest)")
  }

  /// Wren's features are those of the last layer: the file has a block behind it that nothing runs.
  @Test func featuresOfTheLastLayerAreWritten() throws {
    let zoo = URL(fileURLWithPath: Golden.ownFolder).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Zoo").path
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: zoo + "/wren/pictures", toPath: folder.path + "/pictures")
    try folder.write("data.jsonl", #"{"messages": [{"role": "user", "content": "<image>What color is the rectangle?"}, {"role": "assistant", "content": "red"}], "images": ["pictures/three.png"]}"#)
    _ = try Conversion(Self.loader).run(zoo + "/wren", to: folder.path + "/wren.gguf")
    let eyes = try GGUFFile(path: folder.path + "/mmproj-wren.gguf")
    #expect(eyes.names.contains("v.blk.5.attn_q.weight") && !eyes.names.contains("v.blk.6.attn_q.weight"))
    let report = try Evaluation(.exact).run(folder.path + "/wren.gguf", adapters: [], data: folder.path + "/data.jsonl", Self.loader, on: Reference()) { _, _ in }
    #expect(report.score == 1, "\(report.rows.map(\.answer))")
  }

  /// GGUF has no form for features with the class token: the language model's file, which could be written, is not left alone.
  @Test func nothingIsWrittenWhereTheEyesCannotBe() throws {
    let folder = try TemporaryFolder()
    let model = folder.path + "/model"
    try FileManager.default.copyItem(atPath: try #require(Golden.find("llava-hf-single")) + "/model", toPath: model)
    let config = try String(contentsOfFile: model + "/config.json", encoding: .utf8)
    try folder.write("model/config.json", config.replacing(#""vision_feature_select_strategy": "default""#, with: #""vision_feature_select_strategy": "full""#))
    expectError(.request, "class token") { _ = try Conversion(Self.loader).run(model, to: folder.path + "/out.gguf") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
  }

  @Test func quantisedFilesAreSmallerAndStillClose() throws {
    let model = try #require(Golden.find("llava-hf-single")) + "/model"
    let folder = try TemporaryFolder()
    let before = try logits(model, "A picture")
    var sizes: [Int] = []
    for dtype in [DType.f32, .q8_0, .q4_0] {
      var conversion = Conversion(Self.loader)
      conversion.weights = dtype
      let path = folder.path + "/\(dtype).gguf"
      let files = try conversion.run(model, to: path)
      sizes.append(try GGUFFile(path: path).names.reduce(0) { try $0 + (GGUFFile(path: path).tensor($1)?.byteCount ?? 0) })
      let after = try logits(path, "A picture")
      let error = zip(before.logits, after.logits).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      let size = before.logits.reduce(0) { $0 + $1 * $1 }
      #expect((error / size).squareRoot() < (dtype == .f32 ? 1e-4 : dtype == .q8_0 ? 0.05 : 0.5), "\(dtype)")
      for file in files { try FileManager.default.removeItem(atPath: file) }
    }
    #expect(sizes[0] > sizes[1] * 3 && sizes[1] > sizes[2])
  }

  @Test func whatHasNoFormInGGUFIsNamed() throws {
    guard let model = Golden.find("qwen-vl-chat-single") else { return }
    let folder = try TemporaryFolder()
    expectError(.request, "qwen-vl", "llama, gemma3, decoder, llava, yi-vl") { _ = try Conversion(Self.loader).run(model + "/model", to: folder.path + "/out.gguf") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }
}

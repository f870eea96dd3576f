import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import BackendCPU
import CoreTestSupport
import Foundation
import Testing

/// A checkpoint that another program cuts short while a model runs on it.
struct ShortenedFileTests {
  static let golden = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Golden/llava-hf-single/model")

  static let shard = "model-00002-of-00002.safetensors"

  static func answer(_ engine: Engine) async throws -> [Int32] {
    var request = GenerationRequest(.raw("Hello"))
    request.maxTokens = 4
    var ids: [Int32] = []
    for try await event in engine.generate(request) { if case .finished(let result) = event { ids = result.generatedIDs } }
    return ids
  }

  @Test func theRunEndsInAnErrorAndTheNextOnAWholeFileIsRight() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "aviary-short-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.copyItem(at: Self.golden, to: folder)
    let weights = folder.appending(path: Self.shard).path
    let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

    let engine = try Engine(try loader.load(folder.path, on: try CPUBackend(BackendOptions())))
    let right = try await Self.answer(engine)
    let size = try #require(try FileManager.default.attributesOfItem(atPath: weights)[.size] as? Int)
    try #require(truncate(weights, size / 4) == 0)
    await expectError(.file, Self.shard, "became shorter", "\(size)") { _ = try await Self.answer(engine) }

    try FileManager.default.removeItem(atPath: weights)
    try FileManager.default.copyItem(at: Self.golden.appending(path: Self.shard), to: URL(filePath: weights))
    #expect(try await Self.answer(Engine(try loader.load(folder.path, on: try CPUBackend(BackendOptions())))) == right)
  }
}

import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Checkpoints written with their numbers in another type.
@Suite struct StoredTypeTests {
  static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  @Test(arguments: [DType.f16, .bf16, .f32])
  func everyNumberIsRoundedOnce(_ type: DType) throws {
    let model = try #require(Golden.find("llava-hf-single")) + "/model"
    let folder = try TemporaryFolder()
    try Self.loader.store(model, as: type, to: folder.path + "/out")
    let (before, after) = (try Self.loader.folder(model).weights(), try SafetensorsFile(path: folder.path + "/out/model.safetensors"))
    #expect(Set(before.names) == Set(after.names) && !after.names.isEmpty)
    for name in before.names {
      let (old, new) = (try #require(try before.tensor(name)), try #require(try after.tensor(name)))
      #expect(new.dtype == type && new.shape == old.shape)
      let rounded: [Float] = switch type {
      case .f16: old.floats().map { Float(Float16($0)) }
      case .bf16: old.floats().map { Float(bitPattern: UInt32(bf16Bits($0)) << 16) }
      default: old.floats()
      }
      #expect(new.floats() == rounded, "\(name)")
    }
    // The shards and their index are one file now, and all else came along.
    let names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out"))
    #expect(names.isSuperset(of: ["config.json", "tokenizer.json", "model.safetensors"]) && !names.contains { $0.contains("index") || $0.contains("00001") })
    #expect(try Self.loader.load(folder.path + "/out", on: Reference()).model.canSee)
    expectError(.file, "there already") { try Self.loader.store(model, as: type, to: folder.path + "/out") }
  }

  @Test func aNumberBeyondF16IsRefusedByName() throws {
    let folder = try TemporaryFolder()
    let model = folder.path + "/model"
    try Self.loader.store(try #require(Golden.find("llava-hf-single")) + "/model", as: .f32, to: model)
    let file = try SafetensorsFile(path: model + "/model.safetensors")
    let changed = "language_model.model.norm.weight"
    let tensors = try file.names.map { name in
      let tensor = try #require(try file.tensor(name))
      guard name == changed else { return tensor }
      var values = tensor.floats()
      values[1] = -70000
      return StoredTensor(name: name, shape: tensor.shape, dtype: .f32, pages: try OwnedPages(values, name: name), offset: 0)
    }
    try SafetensorsWriter.write(tensors, to: folder.path + "/changed.safetensors")
    try FileManager.default.removeItem(atPath: model + "/model.safetensors")
    try FileManager.default.moveItem(atPath: folder.path + "/changed.safetensors", toPath: model + "/model.safetensors")
    expectError(.weights, changed) { try Self.loader.store(model, as: .f16, to: folder.path + "/half") }
    expectError(.weights, "beyond 65504") { try Self.loader.store(model, as: .f16, to: folder.path + "/half") }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    try Self.loader.store(model, as: .bf16, to: folder.path + "/half")
  }
}

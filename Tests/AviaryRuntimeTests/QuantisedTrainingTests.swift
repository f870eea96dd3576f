import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Adapters trained over quantised weights, which stay frozen (`weights: q8_0` with `lora`).
struct QuantisedTrainingTests {
  private static let model = Golden.ownFolder + "/llava-hf-single/model"
  private static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  /// The same checkpoint with the numbers that its matrices have once they are stored as `dtype`, as f32.
  private static func dequantised(_ dtype: DType, in folder: TemporaryFolder) throws -> String {
    let path = folder.path + "/dequantised"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: model) where !name.contains("safetensors") {
      try FileManager.default.copyItem(atPath: "\(model)/\(name)", toPath: "\(path)/\(name)")
    }
    let stored = try Checkpoint.open(model)
    let tensors = try stored.names.map { name in
      let tensor = try #require(try stored.tensor(name))
      let values = tensor.floats()
      let isMatrix = tensor.shape.count == 2 && name.hasSuffix("weight") && !name.contains("position") && !name.contains("projector")
      let type = isMatrix ? dtype.fitting(rows: tensor.shape[-1]) : .f32
      let pages = try OwnedPages(count: type.byteCount(elements: values.count) ?? 0, name: name) { bytes in
        values.withUnsafeBufferPointer { type.store($0, into: bytes) }
      }
      let rounded = StoredTensor(name: name, shape: tensor.shape, dtype: type, pages: pages, offset: 0).floats()
      return StoredTensor(name: name, shape: tensor.shape, dtype: .f32, pages: try OwnedPages(rounded, name: name), offset: 0)
    }
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: path + "/model.safetensors")
    return path
  }

  /// Losses of an adapter's training; `lines` stand at the end of the configuration.
  private static func losses(_ model: String, _ lines: String, compute: DType?, in folder: TemporaryFolder) throws -> [Double] {
    let text = """
      model: \(model)
      output: \(folder.path)/run-\(UUID().uuidString)
      batch: 3
      steps: 8
      rate: 1e-2
      data: {all: data.jsonl}
      lora: {rank: 4, targets: [q_proj, v_proj, down_proj]}
      \(lines)
      """
    var options = BackendOptions()
    (options.threads, options.compute) = (2, compute)
    let config = try TrainConfig(yaml: text, name: "train.yaml", folder: folder.path)
    let run = try TrainingRun(config, text: text, loader, on: try Backends().open("cpu", options), resumes: false, skipsBad: false)
    var losses: [Double] = []
    try run.run { losses.append($0.loss) }
    return losses
  }

  private static func distance(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1) / $1.1) } }

  @Test(arguments: [DType.q8_0, .q4_0]) func lossesAreThoseOverTheSameNumbersAsFloats(_ dtype: DType) throws {
    let folder = try TrainingRunTests.folder()
    let wanted = try Self.losses(Self.dequantised(dtype, in: folder), "", compute: .f32, in: folder)
    let exact = try Self.losses(Self.model, "weights: \(dtype)\n", compute: .f32, in: folder)
    #expect(wanted.count == 8 && wanted[7] < 0.8 * wanted[0], "\(wanted)")
    #expect(Self.distance(exact, wanted) < 1e-3, "\(exact) against \(wanted)")
    // With activations rounded to 8 bits, as they are by default, the way is about the same.
    let rounded = try Self.losses(Self.model, "weights: \(dtype)\n", compute: nil, in: folder)
    #expect(Self.distance(rounded, wanted) < 0.05, "\(rounded) against \(wanted)")
    // It is another model than the one in full precision.
    let full = try Self.losses(Self.model, "", compute: .f32, in: folder)
    #expect(Self.distance(full, wanted) > 1e-4, "\(full) against \(wanted)")
  }

  @Test func onlyFrozenWeightsAreQuantised() throws {
    let folder = try TrainingRunTests.folder()
    func config(_ lines: String) throws { _ = try TrainConfig(yaml: "model: m\noutput: o\nrate: 1\ndata: {all: data.jsonl}\n" + lines, name: "train.yaml", folder: folder.path) }
    expectError(.config, "weights q8_0 without lora", "precision") { try config("weights: q8_0\ntrain: [all]\n") }
    expectError(.config, "q9_9", "q8_0") { try config("weights: q9_9\nlora: {targets: all-linear}\n") }
    try config("weights: q4_0\nlora: {targets: all-linear}\n")
  }
}

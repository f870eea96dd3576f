import AviaryCore
import AviaryFormats
import AviaryTensor
import Foundation

/// A checkpoint of random numbers for a folder that has everything but weights: where training from nothing starts.
enum FreshModel {
  /// Writes the folder's other files and `model.safetensors`.
  ///
  /// Matrices are uniform with the variance 1 / inputs (LeCun 1998), tables and loose vectors have 0.02 as standard deviation, norms are
  /// ones, biases zeros.
  static func write(_ model: String, seed: UInt64, to path: String, _ loader: ModelLoader) throws(AviaryError) {
    let folder = try loader.folder(model)
    guard let source = folder as? FolderOnDisk else { throw AviaryError(.request, "a manifest", wanted: "a model's folder", at: model) }
    let loaded = try loader.load(folder, as: try loader.architecture(of: folder), on: Reference(), random: .f32)
    var tensors: [StoredTensor] = []
    for (slot, name) in loaded.weights.names.enumerated() where !loaded.weights.constants.contains(slot) {
      let shape = loaded.weights.shapes.all[slot].shape
      tensors.append(StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(numbers(name, shape, seed), name: name), offset: 0))
    }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    try Folder.copy(source.path, to: temporary) { !$0.hasSuffix(".safetensors") && !$0.hasSuffix(".yaml") }
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: temporary + "/model.safetensors")
    try Folder.replace(path, by: temporary)
  }

  private static func numbers(_ name: String, _ shape: Shape, _ seed: UInt64) -> [Float] {
    if name.hasSuffix("bias") { return [Float](repeating: 0, count: shape.elements) }
    if shape.count == 1, name.contains("norm"), name.hasSuffix("weight") { return [Float](repeating: 1, count: shape.elements) }
    // Each tensor has numbers of its own, whatever else the model has.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var random = SplitMix64(seed: seed ^ hash)
    let isTable = shape.count < 2 || name.contains("embed")
    let isConvolution = shape.count > 2
    let inputs = shape.count < 2 ? 1 : shape.dropFirst().elements
    let deviation = isTable && !isConvolution ? 0.02 : 1 / Double(inputs).squareRoot()
    let reach = deviation * 3.0.squareRoot()
    return (0..<shape.elements).map { _ in Float(Double.random(in: -reach...reach, using: &random)) }
  }
}

import AviaryCore
import AviaryFormats
import AviaryTensor
import Foundation

/// A checkpoint of random numbers for a folder that has everything but weights: where training from nothing starts.
enum FreshModel {
  /// Writes the folder's other files and `model.safetensors`.
  static func write(_ model: String, seed: UInt64, to path: String, _ loader: ModelLoader) throws(AviaryError) {
    let folder = try loader.folder(model)
    guard let source = folder as? FolderOnDisk else { throw AviaryError(.request, "a manifest", wanted: "a model's folder", at: model) }
    let loaded = try loader.load(folder, as: try loader.architecture(of: folder), on: Reference(), random: .f32)
    let weights = loaded.weights.names.enumerated().filter { !loaded.weights.constants.contains($0.offset) }
      .map { (name: $0.element, shape: loaded.weights.shapes.all[$0.offset].shape) }
    let numbers = FreshNumbers(weights, seed: seed)
    var tensors: [StoredTensor] = []
    for (name, shape) in weights {
      tensors.append(StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(numbers(name, shape), name: name), offset: 0))
    }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    try Folder.copy(source.path, to: temporary) { !$0.hasSuffix(".safetensors") && !$0.hasSuffix(".yaml") }
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: temporary + "/model.safetensors")
    try Folder.replace(path, by: temporary)
  }
}

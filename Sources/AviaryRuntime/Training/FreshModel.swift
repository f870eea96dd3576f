import AviaryCore
import AviaryFormats
import AviaryTensor
import Foundation

/// A checkpoint of random numbers: where training from nothing starts.
enum FreshModel {
  /// Writes the folder's other files and `model.safetensors`, in f32: the tensors that the folder's weights have, under their names, since some families read sizes
  /// from them; where it has none, those of the model that its configuration describes.
  ///
  /// - Parameter starts: parts that are other checkpoints' instead.
  static func write(_ model: String, _ starts: [TrainConfig.Start], seed: UInt64, to path: String, _ loader: ModelLoader) throws(AviaryError) {
    let folder = try loader.folder(model)
    guard let source = folder as? FolderOnDisk else { throw AviaryError(.request, "a manifest", wanted: "a model's folder", at: model) }
    let loaded = try loader.load(folder, as: try loader.architecture(of: folder), on: Reference(), random: .f32)
    let weights = loaded.weights.names.enumerated().filter { !loaded.weights.constants.contains($0.offset) }
      .map { (name: $0.element, shape: loaded.weights.shapes.all[$0.offset].shape) }
    let (fresh, borrowed) = (FreshNumbers(weights, loaded.weights.beginnings, seed: seed), try BorrowedParts(starts, for: loaded.weights, loader))
    func numbers(_ name: String, _ shape: Shape) throws(AviaryError) -> [Float] { try borrowed(name) ?? fresh(name, shape) }
    if (try? folder.weights()) != nil {
      let shapes = Dictionary(weights.map { ($0.name, $0.shape) }) { first, _ in first }
      let (stored, map) = try loader.weights(folder)
      return try CheckpointWriter(folder, stored, ModuleNames(stored, map)).write(to: path, as: .f32) { (name) throws(AviaryError) in
        try shapes[name].map { (shape) throws(AviaryError) in try numbers(name, shape) }
      }
    }
    var tensors: [StoredTensor] = []
    for (name, shape) in weights {
      tensors.append(StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(try numbers(name, shape), name: name), offset: 0))
    }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    try Folder.copy(source.path, to: temporary) { !CheckpointWriter.isLeftOut($0) }
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: temporary + "/model.safetensors")
    try Folder.replace(path, by: temporary)
  }
}

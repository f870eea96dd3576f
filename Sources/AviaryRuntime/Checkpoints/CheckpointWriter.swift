import AviaryCore
import AviaryFormats
import AviaryTensor
import Foundation

/// Writes a checkpoint of a family as its folder was, with some tensors changed: configuration and tokenizer are copied, weights
/// written under the names that they had.
struct CheckpointWriter {
  let folder: any ModelFolder
  let names: ModuleNames
  private let source: any WeightSource

  /// - Throws: `.request` for layouts whose tensors lie in several folders.
  init(_ folder: any ModelFolder, _ source: any WeightSource, _ names: ModuleNames) throws(AviaryError) {
    (self.folder, self.names) = (folder, names)
    guard folder is FolderOnDisk else {
      throw AviaryError(.request, "a checkpoint made of several sources cannot be written yet", wanted: "one with a folder of its own", at: folder.name)
    }
    self.source = try folder.weights()
  }

  /// Writes the folder: beside its place first, so that it is there whole or not at all.
  ///
  /// - Parameters:
  ///   - changed: the new numbers of a tensor by its canonical name, nil to leave it as it is stored.
  ///   - beside: writes what else belongs into the folder.
  func write(to path: String, beside: (String) throws(AviaryError) -> Void = { _ in }, _ changed: (String) throws(AviaryError) -> [Float]?) throws(AviaryError) {
    guard let from = (folder as? FolderOnDisk)?.path else { return }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    do throws(AviaryError) {
      try Folder.copy(from, to: temporary) { !Self.isWeights($0) }
      var tensors: [StoredTensor] = []
      for name in source.names {
        guard let tensor = try source.tensor(name) else { continue }
        guard let canonical = names.canonical(name), let values = try changed(canonical) else {
          tensors.append(tensor)
          continue
        }
        tensors.append(try Self.stored(values, like: tensor))
      }
      try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: temporary + "/model.safetensors")
      try beside(temporary)
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw error
    }
    try Folder.replace(path, by: temporary)
  }

  /// Numbers in the type that the tensor was stored in.
  private static func stored(_ values: [Float], like tensor: StoredTensor) throws(AviaryError) -> StoredTensor {
    let pages: OwnedPages
    var dtype = tensor.dtype
    switch tensor.dtype {
    case .f16: pages = try OwnedPages(values.map(f16Bits), name: tensor.name)
    case .bf16: pages = try OwnedPages(values.map(bf16Bits), name: tensor.name)
    default:
      pages = try OwnedPages(values, name: tensor.name)
      dtype = .f32
    }
    return StoredTensor(name: tensor.name, shape: tensor.shape, dtype: dtype, pages: pages, offset: 0)
  }

  private static func isWeights(_ file: String) -> Bool {
    [".safetensors", ".bin", ".pt", ".pth", ".safetensors.index.json", ".bin.index.json"].contains { file.hasSuffix($0) }
  }
}

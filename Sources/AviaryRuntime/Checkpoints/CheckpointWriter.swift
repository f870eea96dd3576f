import AviaryCore
import AviaryFormats
import AviaryTensor
import Foundation

/// Writes a checkpoint of a family as its folder was, with some tensors changed: configuration and tokenizer are copied, weights
/// written under the names that they had.
struct CheckpointWriter {
  let folder: any ModelFolder
  let names: ModuleNames
  /// As the family reads it, and as it is stored.
  private let given: any WeightSource
  private let source: any WeightSource

  /// - Throws: `.request` for layouts whose tensors lie in several folders.
  init(_ folder: any ModelFolder, _ source: any WeightSource, _ names: ModuleNames) throws(AviaryError) {
    (self.folder, self.names, given) = (folder, names, source)
    guard folder is FolderOnDisk else {
      throw AviaryError(.request, "a checkpoint made of several sources cannot be written yet", wanted: "one with a folder of its own", at: folder.name)
    }
    self.source = try folder.weights()
  }

  /// Writes the folder: beside its place first, so that it is there whole or not at all.
  ///
  /// - Parameters:
  ///   - type: the type of all floating-point tensors, nil for those that they have.
  ///   - changed: the new numbers of a tensor by its canonical name, nil to leave it as it is stored.
  ///   - beside: writes what else belongs into the folder.
  func write(
    to path: String, as type: DType? = nil, beside: (String) throws(AviaryError) -> Void = { _ in }, _ changed: (String) throws(AviaryError) -> [Float]?
  ) throws(AviaryError) {
    guard let from = (folder as? FolderOnDisk)?.path else { return }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    do throws(AviaryError) {
      try Folder.copy(from, to: temporary) { !Self.isLeftOut($0) }
      var tensors: [TensorOutput] = []
      for name in source.names {
        guard var tensor = try source.tensor(name) else { continue }
        var stored = tensor.dtype
        if let values = try values(name, changed) {
          if ![.f16, .bf16].contains(stored) { stored = .f32 }
          tensor = StoredTensor(name: name, shape: tensor.shape, dtype: .f32, pages: try OwnedPages(values, name: name), offset: 0)
        }
        if let type, stored.isFloat { stored = type }
        tensors.append(tensor.output(name, tensor.shape, storedAs: stored))
      }
      try SafetensorsWriter.write(outputs: tensors, metadata: ["format": "pt"], to: temporary + "/model.safetensors")
      try beside(temporary)
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw error
    }
    try Folder.replace(path, by: temporary)
  }

  /// - Throws: `.request` where one of these tensors (by canonical names) would not be written, since another file has it.
  func check(_ trained: [String]) throws(AviaryError) {
    let written = Set(source.names.flatMap { name in
      let blocks = given.blocks(of: name)
      return (blocks.isEmpty ? [name] : blocks).compactMap(names.canonical)
    })
    let lost = trained.filter { !written.contains($0) }
    guard lost.isEmpty else {
      throw AviaryError(
        .request, "\(lost.count) of \(trained.count) trained tensors, \(lost[0]) among them, are in no file of the folder's own",
        wanted: "train that leaves them out, or lora", at: folder.name)
    }
  }

  /// The new numbers of a stored tensor, nil where none are new.
  private func values(_ name: String, _ changed: (String) throws(AviaryError) -> [Float]?) throws(AviaryError) -> [Float]? {
    let blocks = given.blocks(of: name)
    if blocks.isEmpty { return try names.canonical(name).flatMap { (name) throws(AviaryError) in try changed(name) } }
    var (values, isNew): ([Float], Bool) = ([], false)
    for block in blocks {
      if let new = try names.canonical(block).flatMap({ (name) throws(AviaryError) in try changed(name) }) {
        (values, isNew) = (values + new, true)
      } else {
        values += try given.tensor(block)?.floats() ?? []
      }
    }
    return isNew ? values : nil
  }

  static func refuseExisting(_ path: String) throws(AviaryError) {
    guard !Folder.exists(path) else { throw AviaryError(.file, "\(path) is there already", wanted: "a folder that is not", at: "the output") }
  }

  /// Weights, which are written anew, and the recipe of a training run, which makes another checkpoint than this.
  static func isLeftOut(_ file: String) -> Bool {
    file == "train.yaml" || [".safetensors", ".bin", ".pt", ".pth", ".safetensors.index.json", ".bin.index.json"].contains { file.hasSuffix($0) }
  }
}

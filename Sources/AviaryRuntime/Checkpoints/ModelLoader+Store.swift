import AviaryCore
public import AviaryTensor

extension ModelLoader {
  /// Writes a model's checkpoint with its numbers in another type, as a checkpoint of its family.
  ///
  /// - Parameter type: f32, f16 or bf16, of all floating-point tensors.
  /// - Throws: `.file` where the folder is there already, `.weights` where a number is too large for f16.
  public func store(_ model: String, as type: DType, to path: String) throws(AviaryError) {
    try CheckpointWriter.refuseExisting(path)
    let folder = try folder(model)
    let (source, map) = try weights(folder)
    try CheckpointWriter(folder, source, ModuleNames(source, map)).write(to: path, as: type) { _ in nil }
  }
}

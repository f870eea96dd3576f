public import AviaryCore
public import AviaryTensor

/// The weights of a model, in whatever files they lie.
public enum Checkpoint {
  /// Opens a folder or one file.
  ///
  /// - Throws: `.file` where there is neither, else as `open(folder:)` and `open(file:)`.
  public static func open(_ path: String, limits: Limits = .standard) throws(AviaryError) -> any WeightSource {
    FileSystem.kind(path) == .folder ? try open(folder: path, limits: limits) : try open(file: path, limits: limits)
  }

  /// Opens a safetensors, PyTorch or GGUF file, told apart by its ending, or by its first bytes where that says nothing.
  public static func open(file path: String, limits: Limits = .standard) throws(AviaryError) -> any WeightSource {
    let file = try MappedFile(path: path)
    if withExtendedLifetime(file, { ForeignFile.begins(file.bytes, Array("GGUF".utf8)) }) { return try GGUFFile(path: path, limits: limits) }
    if file.name.hasSuffix(".safetensors") { return try SafetensorsFile(pages: file, limits: limits) }
    let isPyTorch =
      pyTorchEndings.contains { file.name.hasSuffix($0) }
      || withExtendedLifetime(file) { ForeignFile.begins(file.bytes, Array("PK".utf8)) }
    return isPyTorch
      ? try PyTorchFile(pages: file, limits: limits) : try SafetensorsFile(pages: file, limits: limits)
  }

  /// Opens the weights in a folder: the first that is there of
  ///
  /// 1. `model.safetensors`, a `*.safetensors.index.json` with its shards,
  /// 2. `pytorch_model.bin`, a `*.bin.index.json` with its shards,
  /// 3. all `*.safetensors` together, or all `*.bin`, `*.pt` and `*.pth` except a trainer's own state.
  ///
  /// - Throws: `.file` where there are none; `.weights` where two files have a tensor of one name, or an index places one
  ///   in a file that lacks it; `.format`.
  public static func open(folder: String, limits: Limits = .standard) throws(AviaryError) -> any WeightSource {
    let names = try FileSystem.list(folder)
    let place = FileSystem.lastComponent(folder)
    for (whole, indexEnding) in [
      ("model.safetensors", ".safetensors.index.json"), ("pytorch_model.bin", ".bin.index.json"),
    ] {
      if names.contains(whole) { return try open([whole], in: folder, limits) }
      let indexes = names.filter { $0.hasSuffix(indexEnding) }
      let usual = whole + ".index.json"
      guard let index = indexes.contains(usual) ? usual : indexes.first else { continue }
      guard index == usual || indexes.count == 1 else {
        let list = indexes.map(quoted).joined(separator: ", ")
        throw AviaryError(.file, "the folder has several indexes of weights: \(list)", wanted: "one", at: place)
      }
      return try ShardIndex(ContainedPath.resolve(index, in: folder, at: place), limits: limits)
        .open(in: folder, limits: limits)
    }
    let safetensors = names.filter { $0.hasSuffix(".safetensors") }
    if !safetensors.isEmpty { return try open(safetensors, in: folder, limits) }
    let pyTorch = names.filter { name in pyTorchEndings.contains { name.hasSuffix($0) } && !isTrainerState(name) }
    guard !pyTorch.isEmpty else {
      throw AviaryError(
        .file, "the folder has no weights", wanted: "*.safetensors, or *.bin, *.pt, *.pth of PyTorch", at: place)
    }
    return try open(pyTorch, in: folder, limits)
  }

  private static let pyTorchEndings = [".bin", ".pt", ".pth"]

  /// What training leaves beside the weights: optimiser, schedule, random numbers, arguments.
  private static func isTrainerState(_ name: String) -> Bool {
    ["training_args", "optimizer", "scheduler", "rng_state", "scaler"].contains { name.hasPrefix($0) }
  }

  private static func open(
    _ names: [String], in folder: String, _ limits: Limits
  ) throws(AviaryError) -> any WeightSource {
    var parts: [MergedSource.Part] = []
    let place = FileSystem.lastComponent(folder)
    for name in names {
      let path = try ContainedPath.resolve(name, in: folder, at: place)
      parts.append(MergedSource.Part(try open(file: path, limits: limits)))
    }
    if parts.count == 1, let only = parts.first { return only.source }
    return try MergedSource(parts)
  }
}

import Architectures
public import AviaryCore
import AviaryFormats
import AviaryMedia
public import AviaryTensor

/// Opens checkpoints: finds the folder, asks the registry whose it is, reads its configuration, and loads its weights
/// onto a backend.
public struct ModelLoader: Sendable {
  public var surroundings: Surroundings
  public var limits = Limits.standard
  /// Families of this build and whatever a program registers beside them.
  public var architectures: [any Architecture.Type] = Architectures.all

  public init(_ surroundings: Surroundings) { self.surroundings = surroundings }

  /// The folder or manifest that a model argument means.
  public func folder(_ model: String) throws(AviaryError) -> any ModelFolder {
    let path = try path(model)
    if path.hasSuffix(".yaml") || path.hasSuffix(".yml") {
      let manifest = try Manifest(path: path, limits: limits)
      return manifest.folder.map { FolderOnDisk(path: $0, surroundings: surroundings, limits: limits) } ?? ManifestFolder(manifest)
    }
    if path.hasSuffix(".gguf") { return try GGUFFolder(path: path, limits: limits) }
    return FolderOnDisk(path: path, surroundings: surroundings, limits: limits)
  }

  /// A path, a name in the Hugging Face cache, or one of the zoo's names: of a checkpoint that comes with it, or of one in that cache.
  private func path(_ model: String) throws(AviaryError) -> String {
    func resolved(_ name: String) throws(AviaryError) -> String {
      try ModelPath.resolve(name, environment: surroundings.environment, home: surroundings.home)
    }
    do throws(AviaryError) { return try resolved(model) } catch {
      guard let manifest = try Zoo.manifest(named: model, surroundings, limits: limits) else { throw Zoo.suggesting(model, error, surroundings) }
      if let folder = manifest.folder { return folder }
      do throws(AviaryError) { return try resolved(manifest.repository) } catch {
        throw AviaryError(
          .file, "\(model) is not on this machine: \(error.found)", wanted: "\(manifest.repository) in the Hugging Face cache (licence: \(manifest.licence))")
      }
    }
  }

  /// The family that recognises a folder's configuration.
  ///
  /// - Throws: `.config` that lists the known families.
  public func architecture(of folder: any ModelFolder) throws(AviaryError) -> any Architecture.Type {
    for architecture in architectures where try architecture.recognises(folder) { return architecture }
    let config = try folder.config()
    let names = try config.strings("architectures") + [config.string("model_type", default: "no model_type")]
    throw AviaryError(
      .config, "a model of type \(names.joined(separator: ", "))",
      wanted: "one that a family of this build reads: " + architectures.map { "\($0.id) (\($0.claims.joined(separator: ", ")))" }.joined(separator: "; "),
      at: "\(folder.name): config.json")
  }

  /// Loads a model.
  ///
  /// - Parameters:
  ///   - types: in which types weights are stored while the model runs.
  ///   - random: take random numbers of that type instead of a checkpoint's weights.
  public func load(_ model: String, on backend: any Backend, weights types: WeightTypes = .kept, random: DType? = nil) throws(AviaryError) -> LoadedModel {
    let folder = try folder(model)
    return try load(folder, as: try architecture(of: folder), on: backend, weights: types, random: random)
  }

  /// A folder's tensors and the names that its family gives them.
  public func weights(_ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    try names(folder, as: try architecture(of: folder))
  }

  /// A folder's processor alone.
  func processor(_ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    func processor<A: Architecture>(_ family: A.Type) throws(AviaryError) -> any Processor { try family.processor(try family.config(folder), folder) }
    return try processor(try architecture(of: folder))
  }

  private func names<A: Architecture>(_ folder: any ModelFolder, as family: A.Type) throws(AviaryError) -> (any WeightSource, NameMap) {
    try family.weights(try family.config(folder), folder)
  }

  func load<A: Architecture>(
    _ folder: any ModelFolder, as family: A.Type, on backend: any Backend, weights types: WeightTypes = .kept, random: DType?
  ) throws(AviaryError) -> LoadedModel {
    let config = try family.config(folder)
    let origin: WeightOrigin
    if let random {
      origin = .random(random, seed: 1)
    } else {
      let (source, names) = try family.weights(config, folder)
      origin = .checkpoint(source, names)
    }
    let loaded = try Weights.load(origin, as: types, on: backend) { (w) throws(AviaryError) in try family.model(config, w) }
    let processor = random == nil && folder.hasTokenizer ? try family.processor(config, folder) : nil
    return LoadedModel(
      architecture: family.id, model: loaded.0, weights: loaded.1, processor: processor, backend: backend, name: folder.name,
      notices: try Self.notices(folder))
  }

  /// A checkpoint may name Python files of its own; they are data here.
  private static func notices(_ folder: any ModelFolder) throws(AviaryError) -> [String] {
    try folder.optionalConfig("config.json")?.has("auto_map") == true ? ["\(folder.name) brings code of its own (auto_map), which is not run"] : []
  }
}

extension LoadedModel {
  /// A decoded picture with its key in the feature cache.
  public func input(_ image: PixelImage) -> ImageInput {
    let key = MediaKey(image, processor: architecture, parameters: processor?.parameters ?? "", model: name)
    return ImageInput(image: image, key: key.description)
  }
}

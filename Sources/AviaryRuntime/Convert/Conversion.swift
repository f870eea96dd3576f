import Architectures
import AviaryCore
import AviaryFormats
import AviaryParts
public import AviaryTensor
import Foundation

/// Writes a checkpoint as GGUF files that llama.cpp opens: the language model under the given name, and the tower with its
/// projector beside it, as `mmproj-NAME.gguf`.
public struct Conversion: Sendable {
  /// Of the language model's matrices.
  public var weights = DType.f16
  /// Of the vision tower's matrices.
  public var vision = DType.f16
  /// Of the projector's matrices.
  public var adapter = DType.f16
  private let loader: ModelLoader

  public init(_ loader: ModelLoader) { self.loader = loader }

  /// Nothing is written where one of the files cannot be.
  ///
  /// - Parameter path: of the language model's file.
  /// - Returns: the files written.
  /// - Throws: `.request` for a family that has no form in GGUF, what reading throws, `.file`.
  public func run(_ model: String, to path: String) throws(AviaryError) -> [String] {
    let (language, eyes) = try files(model)
    let url = URL(fileURLWithPath: path)
    let beside = url.deletingLastPathComponent().appendingPathComponent("mmproj-" + url.lastPathComponent).path
    try language.write(to: path)
    try eyes?.write(to: beside)
    return eyes == nil ? [path] : [path, beside]
  }

  private func files(_ model: String) throws(AviaryError) -> (language: GGUFWriter, eyes: GGUFWriter?) {
    let folder = try loader.folder(model)
    let family = try loader.architecture(of: folder)
    let (source, names) = try loader.weights(folder)
    let files = CheckpointNames(source, names)
    switch family.id {
    case LlamaText.id:
      return (try language(try llama(try LlamaText.config(folder), folder), folder, files, scope: ""), nil)
    case GemmaText.id:
      return (try language(try LanguageToWrite(try GemmaText.config(folder), at: folder.name), folder, files, scope: ""), nil)
    case DecoderText.id:
      // Their names in GGUF stand for the published ones, not for those of the parts that run them.
      return (try language(try LanguageToWrite(try DecoderText.config(folder), at: folder.name), folder, CheckpointNames(source, NameMap()), scope: ""), nil)
    case LLaVA.id:
      let c = try LLaVA.config(folder)
      let projector: [(String, String)] = if case .original = c.layout { numbered([0, 2]) } else { [("linear_1.", "mm.0."), ("linear_2.", "mm.2.")] }
      let tower: any ModelFolder = if case .original(let original) = c.layout { try folder.part(original.tower) } else { folder }
      return (
        try language(try llama(try plain(c.text, folder), folder), folder, files, scope: "language_model."),
        try eyes(EyesToWrite(vision: c.vision, features: c.features, pinpoints: c.gridPinpoints ?? [], projector: projector), tower, files)
      )
    case YiVL.id:
      let c = try YiVL.config(folder)
      return (
        try language(try llama(try plain(c.text, folder), folder), folder, files, scope: "language_model."),
        try eyes(EyesToWrite(vision: c.vision, features: c.features, pinpoints: [], projector: numbered([0, 1, 3, 4])), try folder.part(c.tower), files)
      )
    default:
      throw AviaryError(.request, "the family \(family.id)", wanted: "one that GGUF files have a form for: llama, gemma3, decoder, llava, yi-vl", at: folder.name)
    }
  }

  /// Layers of PyTorch's Sequential keep their numbers.
  private func numbered(_ numbers: [Int]) -> [(String, String)] { numbers.map { ("\($0).", "mm.\($0).") } }

  // MARK: Language model

  /// The decoder that a projector file can stand beside.
  private func plain(_ c: DecoderConfig, _ folder: any ModelFolder) throws(AviaryError) -> LlamaConfig {
    guard case .llama(let config) = c else {
      throw AviaryError(.request, "pictures for a language model that is no Llama", wanted: "Llama, Mistral or Qwen2, which can be written as GGUF", at: folder.name)
    }
    return config
  }

  private func llama(_ c: LlamaConfig, _ folder: any ModelFolder) throws(AviaryError) -> LanguageToWrite {
    let config = try folder.config()
    let text = try config.object("text_config") ?? config
    return try LanguageToWrite(c, isQwen2: try text.string("model_type", default: "llama") == "qwen2", at: folder.name)
  }

  private func language(_ c: LanguageToWrite, _ folder: any ModelFolder, _ files: CheckpointNames, scope: String) throws(AviaryError) -> GGUFWriter {
    guard let onDisk = folder as? FolderOnDisk else {
      throw AviaryError(.request, "a checkpoint without tokenizer files", wanted: "a folder with tokenizer.model or tokenizer.json", at: folder.name)
    }
    let vocabulary = try FolderTokenizer.lists(onDisk, count: c.vocabularySize)
    var metadata = LanguageMetadata.entries(c, name: folder.name)
    metadata += LanguageMetadata.entries(vocabulary, template: try folder.chatTemplateSource())
    metadata.append(("general.file_type", .u32(LanguageMetadata.fileType(weights))))
    var outputs: [TensorOutput] = []
    for (published, stored) in GGUFNames.published(c.architecture, layers: c.layers) {
      guard let tensor = try files.tensor(scope + published) else { continue }
      if c.tiesEmbeddings, stored == "output.weight" { continue }
      let order = c.order(of: stored)
      guard order.map({ tensor.shape.count > 0 && tensor.shape[0] == $0.rows }) ?? true else {
        throw AviaryError(.weights, "\(published) of \(tensor.shape)", wanted: "\(order?.rows ?? 0) rows", at: folder.name)
      }
      // Every vector of a model that has an offset is a norm's scale.
      let isScale = c.normOffset != 0 && tensor.shape.count == 1
      outputs.append((isScale ? try tensor.adding(c.normOffset) : tensor).output(stored, as: weights, order))
    }
    return try GGUFWriter(metadata, outputs)
  }

  // MARK: Eyes

  private func eyes(_ c: EyesToWrite, _ folder: any ModelFolder, _ files: CheckpointNames) throws(AviaryError) -> GGUFWriter {
    guard let last = c.features.indices.max(), c.features.indices.count == 1, !c.features.keepsClassToken, last > 0, last <= c.vision.layers else {
      throw AviaryError(.request, "features of layers \(c.features.indices)", wanted: "of one layer, without the class token", at: folder.name)
    }
    let pictures = try folder.optionalConfig("preprocessor_config.json")
    func three(_ key: String, _ fallback: [Double]) throws(AviaryError) -> [Float] {
      try (pictures?.numbers(key, count: 3, default: fallback) ?? fallback).map { Float($0) }
    }
    var metadata = c.entries(layers: last + 1)
    metadata.append(("clip.vision.image_mean", .floats(try three("image_mean", [0.48145466, 0.4578275, 0.40821073]))))
    metadata.append(("clip.vision.image_std", .floats(try three("image_std", [0.26862954, 0.26130258, 0.27577711]))))
    var outputs: [TensorOutput] = []
    // The block behind the features is never run; readers count with it. Zeros stand for one that the checkpoint does not have.
    for (published, stored) in GGUFNames.publishedTower(layers: last + 1) {
      let runs = published.replacing("layers.\(last).", with: "layers.\(last - 1).")
      var tensor = try files.tensor("vision_tower.\(published)")
      if tensor == nil, runs != published { tensor = try files.tensor("vision_tower.\(runs)")?.zeros() }
      if let tensor { outputs.append(tensor.output(stored, as: stored.contains("position_embd") ? .f32 : vision, nil)) }
    }
    for (published, stored) in c.projector {
      for part in ["weight", "bias"] {
        if let tensor = try files.tensor("multi_modal_projector.\(published)\(part)") { outputs.append(tensor.output(stored + part, as: adapter, nil)) }
      }
    }
    if let newline = try files.tensor("image_newline") { outputs.append(newline.output("v.image_newline", as: .f32, nil)) }
    return try GGUFWriter(metadata, outputs)
  }
}

/// A checkpoint's tensors by the names that its family's model takes, those included that the model never reads.
struct CheckpointNames {
  private let source: any WeightSource
  private var stored: [String: String] = [:]

  init(_ source: any WeightSource, _ map: NameMap) {
    self.source = source
    var whole = map
    // Layers behind the features are left out by rules that stand first.
    whole.rules.removeAll { if case .ignorePrefix(let prefix) = $0 { prefix.contains("encoder.layers.") } else { false } }
    for name in source.names { if let canonical = whole.canonical(name) { stored[canonical] = name } }
  }

  func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    guard let original = stored[name] else { return nil }
    return try source.tensor(original)
  }
}

extension ModelFolder {
  /// The chat template as it stands in the folder's files.
  func chatTemplateSource() throws(AviaryError) -> String? {
    guard let folder = self as? FolderOnDisk else { return nil }
    return try FolderTemplate.source(folder, try json("tokenizer_config.json"))?.0
  }
}

public import AviaryCore
import AviaryFormats
import AviaryRuntime
public import AviaryTensor
import Foundation

/// Makes a checkpoint's folder of random numbers from a family's configuration: weights under names that the family
/// publishes (those of one layout where it reads several), a tokenizer, and the files that were given. What it answers is noise; that it answers shows that
/// configuration, names, shapes, prompt and pictures fit together.
///
///     let checkpoint = RandomCheckpoint(["config.json": #"{"model_type": "heron", ...}"#])
///     try checkpoint.write(to: folder, for: [Heron.self])
public struct RandomCheckpoint: Sendable {
  /// Files by their paths below the folder: `config.json`, `preprocessor_config.json`, `tower/config.json`.
  public var files: [String: String]
  /// Control tokens of the tokenizer that is made, with their ids. `config.json` names the one for pictures, mostly.
  public var controls: [String: Int32] = ["<unk>": 0, "<s>": 1, "</s>": 2, "<image>": 3]
  /// How the numbers are stored: f32, f16 or bf16.
  public var dtype = DType.f32
  /// Other seeds give other numbers.
  public var seed: UInt64 = 1

  public init(_ files: [String: String]) { self.files = files }

  /// With the small files of a checkpoint: configurations, tokenizer, templates; its weights stay behind. Or, where the
  /// path is that of a file, with that one as `config.json`.
  ///
  /// - Throws: `.file` where there is nothing, or no `config.json` and no other configuration.
  public init(like path: String) throws(AviaryError) {
    files = [:]
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw AviaryError(.file, "there is no \(path)", wanted: "a checkpoint's folder or a config.json")
    }
    if !isFolder.boolValue {
      files["config.json"] = try Self.text(path)
      return
    }
    for name in FileManager.default.enumerator(atPath: path)?.compactMap({ $0 as? String }).sorted() ?? [] {
      let isWanted = [".json", ".yaml", ".jinja", ".txt", ".tiktoken", ".model"].contains { name.hasSuffix($0) } && !name.hasSuffix(".index.json")
      if isWanted { binaries[name] = "\(path)/\(name)" }
    }
    guard !binaries.isEmpty else { throw AviaryError(.file, "no configuration in \(path)", wanted: "config.json and the files beside it") }
  }

  /// Files that are copied as they are.
  private var binaries: [String: String] = [:]

  private static func text(_ path: String) throws(AviaryError) -> String {
    let file = try MappedFile(path: path)
    guard let text = withExtendedLifetime(file, { String(validating: file.bytes, as: UTF8.self) }) else {
      throw AviaryError(.format, "not UTF-8 text", at: file.name)
    }
    return text
  }

  /// Writes the folder and opens it once, to see that the family takes it.
  ///
  /// - Parameter families: asked beside those of this build.
  /// - Returns: the number of numbers in its weights.
  /// - Throws: `.request` where the folder is there already, or where tensors of the family have names that its
  ///   `NameMap` alone does not tell (composed checkpoints); else as opening a checkpoint does. No folder is left behind.
  @discardableResult
  public func write(to folder: String, for families: [any Architecture.Type] = []) throws(AviaryError) -> Int {
    guard !FileManager.default.fileExists(atPath: folder) else {
      throw AviaryError(.request, "there is something at \(folder)", wanted: "a path that is free")
    }
    guard !files.isEmpty || !binaries.isEmpty else { throw AviaryError(.request, "no configuration", wanted: "config.json at least") }
    do throws(AviaryError) {
      for (name, text) in files.sorted(by: { $0.key < $1.key }) { try Self.write(Array(text.utf8), to: "\(folder)/\(name)") }
      for (name, source) in binaries.sorted(by: { $0.key < $1.key }) {
        let file = try MappedFile(path: source)
        try Self.write(Array(file.bytes), to: "\(folder)/\(name)")
      }
      var loader = ModelLoader(Surroundings(environment: [:], home: folder))
      loader.architectures = try Modules().adding(architectures: families).architectures
      let opened = try loader.folder(folder)
      return try fill(folder, opened, as: try loader.architecture(of: opened), loader)
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw error
    }
  }

  private func fill<A: Architecture>(_ path: String, _ folder: any ModelFolder, as family: A.Type, _ loader: ModelLoader) throws(AviaryError) -> Int {
    let config = try family.config(folder)
    // What the model asks for, without memory for it.
    let (model, asked) = try Weights.load(.random(dtype, seed: seed), on: CountingBackend()) { (w) throws(AviaryError) in try family.model(config, w) }
    var shapes: [(name: String, shape: Shape)] = []
    for (slot, name) in asked.names.enumerated() where !asked.constants.contains(slot) { shapes.append((name, asked.shapes.all[slot].shape)) }
    let published = try PublishedNames(of: family, config, folder, shapes)
    if !hasTokenizer {
      for (name, text) in try ByteLevelTokenizer(controls, size: model.language.vocabularySize).files() where files[name] == nil {
        try Self.write(Array(text.utf8), to: "\(path)/\(name)")
      }
    }
    try write(shapes, published, to: path)
    _ = try loader.load(path, on: Reference())
    return shapes.reduce(0) { $0 + $1.shape.elements }
  }

  private var hasTokenizer: Bool {
    let names = Set(files.keys).union(binaries.keys)
    return !names.isDisjoint(with: ["tokenizer.json", "tokenizer.model", "qwen.tiktoken", "vocab.json"])
  }

  private func write(_ shapes: [(name: String, shape: Shape)], _ published: PublishedNames, to folder: String) throws(AviaryError) {
    var tensors: [StoredTensor] = []
    // Blocks of one matrix lie behind each other, in the order in which the model asks for them.
    let blocks = Dictionary(grouping: shapes) { published.stored[$0.name] ?? $0.name }
    for (stored, blocks) in blocks.sorted(by: { $0.key < $1.key }) {
      let values = blocks.flatMap { RandomValues(name: $0.name, seed: seed).values($0.shape) }
      var shape = blocks[0].shape
      shape[0] *= blocks.count
      let pages: OwnedPages =
        switch dtype {
        case .f16: try OwnedPages(values.map { Float16($0).bitPattern }, name: stored)
        case .bf16: try OwnedPages(values.map { UInt16($0.bitPattern >> 16) }, name: stored)
        default: try OwnedPages(values, name: stored)
        }
      tensors.append(StoredTensor(name: stored, shape: shape, dtype: dtype, pages: pages, offset: 0))
    }
    try SafetensorsWriter.write(tensors, metadata: ["format": "pt"], to: "\(folder)/model.safetensors")
    // A tower in a folder of its own has its tensors with the others.
    for part in published.parts { try SafetensorsWriter.write([], to: "\(folder)/\(part)/model.safetensors") }
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(AviaryError) {
    let url = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: url)
    } catch { throw AviaryError(.file, "\(url.lastPathComponent) cannot be written", wanted: "a place for it", at: path) }
  }
}

/// Random numbers of one tensor: uniform, of a size that keeps products near one; weights of norms are near one.
struct RandomValues {
  private var state: UInt64
  private let isNorm: Bool

  init(name: String, seed: UInt64) {
    // Of the name as well, so that no two tensors are equal and a mixed-up pair shows.
    state = name.utf8.reduce(0xcbf2_9ce4_8422_2325 ^ seed) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    isNorm = name.contains("norm") && name.hasSuffix("weight")
  }

  func values(_ shape: Shape) -> [Float] {
    var state = state
    let scale = shape.count < 2 ? 0.02 : (3.0 / Float(max(shape.elements / max(shape[0], 1), 1))).squareRoot()
    return (0..<shape.elements).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let uniform = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(1 << 31)
      return isNorm && shape.count < 2 ? 1 + uniform * 0.02 : uniform * scale
    }
  }
}

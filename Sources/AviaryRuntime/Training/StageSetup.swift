import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain
import Foundation

/// A stage's model with its trainer, and how its checkpoints are written.
struct StageSetup {
  let loaded: LoadedModel
  let processor: any Processor
  let trainer: Trainer
  let maker: SampleMaker
  /// Set where an adapter is trained.
  let lora: PEFTAdapter.Config?
  private let adapter: LowRankAdapter?
  private let names: ModuleNames
  private let writer: CheckpointWriter?
  private let savesValues: Bool
  private let averages: Bool
  private let modelPath: String

  /// - Parameters:
  ///   - model: the folder that the stage starts from.
  ///   - adapter: a checkpoint of this stage's adapter to go on with.
  init(
    _ stage: TrainConfig.Stage, _ config: TrainConfig, _ loader: ModelLoader, _ backend: any Backend, model: String, adapter folder: String?
  ) throws(AviaryError) {
    let modelFolder = try loader.folder(model)
    var types = WeightTypes(language: config.precision, vision: config.precision, adapter: config.precision)
    // As everywhere, the projector keeps its type.
    if stage.lora != nil, let frozen = config.frozenWeights { (types.language, types.vision) = (frozen, frozen) }
    var loaded = try loader.load(modelFolder, as: try loader.architecture(of: modelFolder), on: backend, weights: types, random: nil)
    guard let processor = loaded.processor else { throw AviaryError(.request, "no tokenizer", wanted: "a checkpoint with one", at: model) }
    let (source, map) = try loader.weights(modelFolder)
    let names = ModuleNames(source, map)
    var options = Trainer.Options()
    (options.optimizer, options.clip, options.averageKeep) = (config.optimizer, config.clip, config.averageKeep)
    (options.checkpointing, options.seed) = (config.checkpointing, config.seed)
    var slots = try TrainedParts.slots(stage.train, loaded.weights)
    if let settings = stage.lora {
      var peft = PEFTAdapter.Config()
      (peft.rank, peft.alpha, peft.dropout) = (settings.rank, settings.alpha, settings.dropout)
      (peft.usesRankStabilisedScale, peft.targets) = (settings.isRankStabilised, settings.targets)
      var start: LowRankAdapter
      if let folder { start = try PEFTAdapter(folder, names).adapter } else { start = try Self.fresh(peft, loaded.weights, names, config.seed) }
      // The state of a run is kept under this name, whatever folder the adapter was read from.
      start.name = "default"
      // The order of the weights is that of the sum of their gradients, which must not depend on where they came from.
      start.modules.sort { $0.weight < $1.weight }
      if !slots.isEmpty { throw AviaryError(.config, "both train and lora", wanted: "one of them in a stage", at: "stage \(stage.name)") }
      let first = loaded.weights.names.count
      loaded = try loaded.adding([(start, 1)])
      slots = Array(first..<loaded.weights.names.count)
      options.dropout = settings.dropout
      (lora, adapter, writer) = (peft, start, nil)
    } else {
      (lora, adapter) = (nil, nil)
      let own = try CheckpointWriter(modelFolder, source, names)
      try own.check(slots.map { loaded.weights.names[$0] })
      writer = own
    }
    (self.loaded, self.processor, self.names, modelPath) = (loaded, processor, names, model)
    averages = config.averageKeep != nil
    savesValues = averages || lora == nil && (config.precision == .bf16 || slots.contains { loaded.weights.shapes.all[$0].dtype != .f32 } || config.precision != nil)
    maker = SampleMaker(processor, limit: min(config.maxLength, loaded.model.language.contextLength), style: config.style)
    trainer = try Trainer(loaded, training: slots, options)
  }

  /// A new adapter: A random as PEFT has it (uniform within 1/sqrt(in)), B zero, so that nothing changes at first.
  private static func fresh(_ config: PEFTAdapter.Config, _ weights: ModelWeights, _ names: ModuleNames, _ seed: UInt64) throws(AviaryError) -> LowRankAdapter {
    let slots = Dictionary(weights.names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    var random = SplitMix64(seed: seed &+ 0x10_4A)
    var modules: [LowRankAdapter.Module] = []
    for name in try config.targets.weights(weights, names) {
      guard let slot = slots[name] else { continue }
      let shape = weights.shapes.all[slot].shape
      let reach = 1 / Float(shape[1]).squareRoot()
      let a = (0..<config.rank * shape[1]).map { _ in Float.random(in: -reach...reach, using: &random) }
      modules.append(
        .init(
          weight: name, rank: config.rank, a: a, b: [Float](repeating: 0, count: shape[0] * config.rank),
          scale: config.scale(names.module(name), rank: config.rank)))
    }
    return LowRankAdapter(name: "default", modules: modules)
  }

  /// Writes a checkpoint: whole or not at all.
  func save(to path: String, _ place: RunFolder.Place) throws(AviaryError) {
    let state = try trainer.state(values: savesValues)
    guard let adapter, let lora else {
      let slots = Dictionary(trainer.trainedSlots.map { (loaded.weights.names[$0], $0) }, uniquingKeysWith: { first, _ in first })
      try writer?.write(to: path, beside: { (folder) throws(AviaryError) in try RunFolder.write(place, state, to: folder) }) { (name) throws(AviaryError) -> [Float]? in
        guard let slot = slots[name] else { return nil }
        return try trainer.value(ofSlot: slot, averaged: averages)
      }
      return
    }
    let temporary = path + ".tmp"
    try? FileManager.default.removeItem(atPath: temporary)
    try Folder.make(temporary)
    do throws(AviaryError) {
      let shapes = Dictionary(zip(loaded.weights.names, loaded.weights.shapes.all.map(\.shape)), uniquingKeysWith: { first, _ in first })
      try PEFTAdapter.write(
        try trained(adapter), lora, names, base: modelPath, shapes: { (shapes[$0]?[0] ?? 0, shapes[$0]?[1] ?? 0) }, to: temporary)
      try RunFolder.write(place, state, to: temporary)
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw error
    }
    try Folder.replace(path, by: temporary)
  }

  private func trained(_ adapter: LowRankAdapter) throws(AviaryError) -> LowRankAdapter {
    var adapter = adapter
    let slots = Dictionary(loaded.weights.names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
    for index in adapter.modules.indices {
      guard let slot = slots[adapter.modules[index].weight], let pair = loaded.weights.shapes.lowRank[Int32(slot)]?.first else { continue }
      if let a = try trainer.value(ofSlot: Int(pair.a.slot), averaged: averages) { adapter.modules[index].a = a }
      if let b = try trainer.value(ofSlot: Int(pair.b.slot), averaged: averages) { adapter.modules[index].b = b }
    }
    return adapter
  }
}

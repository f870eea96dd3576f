import AviaryCore
import AviaryFormats
public import AviaryTensor
import AviaryTrain
import Foundation

/// A run of `aviary train`: its stages one after the other, checkpoints on the way, from the start or from where it stopped.
public final class TrainingRun {
  public struct Progress: Sendable {
    public var stage: String
    public var step: Int
    public var steps: Int
    public var loss: Double
    public var rate: Double
    public var tokensPerSecond: Double
    public var secondsLeft: Double
  }

  private let config: TrainConfig
  private let loader: ModelLoader
  private let backend: any Backend
  private let folder: RunFolder
  private let skipsBad: Bool
  private let resumes: Bool
  private var files: [String: DataFile] = [:]
  /// The folder of the model that the next stage starts from.
  private var model: String
  private var place = RunFolder.Place()
  private var saved: Trainer.State?
  /// An adapter's checkpoint to go on with.
  private var adapterFolder: String?
  /// What is worth saying once: lines left out, what is trained.
  public private(set) var notices: [String] = []

  /// Opens the run's folder and its data; every line is checked before anything is trained.
  public init(_ config: TrainConfig, text: String, _ loader: ModelLoader, on backend: any Backend, resumes: Bool, skipsBad: Bool) throws(AviaryError) {
    (self.config, self.loader, self.backend, self.skipsBad, self.resumes) = (config, loader, backend, skipsBad, resumes)
    model = config.model
    for set in config.data where config.stages.contains(where: { $0.data.contains(set.name) }) {
      let file = try DataFile(set, skipsBad: skipsBad)
      files[set.name] = file
      if !file.skipped.isEmpty { notices.append("\(file.name): \(file.skipped.count) lines left out; the first: \(file.skipped[0])") }
    }
    folder = try RunFolder(config.output, resumes: resumes)
    if resumes { try Self.checkBeginning(config) } else { try WholeFile.write(text, to: config.output + "/config.yaml") }
    if config.startsFresh {
      model = folder.initial
      if !Folder.exists(model + "/model.safetensors") { try FreshModel.write(config.model, config.starts, seed: config.seed, to: model, loader) }
    }
    if let latest = try folder.latest() {
      (place, saved) = (latest.place, latest.state)
      if place.base.isEmpty { model = latest.folder } else { (model, adapterFolder) = (place.base, latest.folder) }
      notices.append("going on behind step \(place.step)")
    }
  }

  /// Rates and steps may change on the way; what a run began with cannot, and would be taken no notice of.
  private static func checkBeginning(_ config: TrainConfig) throws(AviaryError) {
    let path = config.output + "/config.yaml"
    let own = try TrainConfig(yaml: try TextFile.read(path), name: path, folder: config.folder)
    let keys = [("model", own.model == config.model), ("init", own.startsFresh == config.startsFresh && own.starts == config.starts), ("seed", own.seed == config.seed)]
    guard let changed = keys.first(where: { !$0.1 }) else { return }
    throw AviaryError(.config, "another \(changed.0) than the run began with", wanted: "that of \(path), or a new run", at: "train: \(changed.0)")
  }

  /// Trains to the end.
  ///
  /// - Parameter cancel: ends the run behind the present step, with a checkpoint.
  /// - Throws: `.numeric` where the loss is no number: the last checkpoint stays. `.cancelled`.
  public func run(_ cancel: CancellationFlag = CancellationFlag(), progress: (Progress) -> Void) throws(AviaryError) {
    try folder.openMetrics(behind: place.step)
    while place.stage < config.stages.count {
      try run(config.stages[place.stage], cancel, progress)
      (place.stage, place.stageStep, place.passes) = (place.stage + 1, 0, 0)
      saved = nil
    }
  }

  private func run(_ stage: TrainConfig.Stage, _ cancel: CancellationFlag, _ progress: (Progress) -> Void) throws(AviaryError) {
    let setup = try StageSetup(stage, config, loader, backend, model: model, adapter: adapterFolder)
    if let saved { try setup.trainer.restore(saved) }
    notices.append("stage \(stage.name): \(setup.trainer.trainedCount) of \(setup.loaded.weights.parameterCount) numbers are trained")
    let sets = stage.data.compactMap { name in files[name].map { ($0, config.data.first { $0.name == name }?.weight ?? 1) } }
    let mixture = Mixture(sets.map { .init(lines: $0.0.count, weight: $0.1) }, seed: config.seed &+ UInt64(place.stage))
    let perStep = config.batch * config.accumulate
    let steps = stage.steps ?? max(1, Int((stage.epochs * Double(mixture.passLength) / Double(perStep)).rounded(.up)))
    let warmup = config.warmup < 1 ? Int(config.warmup * Double(steps)) : Int(config.warmup)
    let schedule = Schedule(config.shape, peak: stage.rate, warmup: warmup, steps: steps, floor: config.floor)
    let feed = BatchFeed(
      sets.map(\.0), mixture, setup.maker, setup.processor, size: config.batch, skip: place.stageStep * perStep, groupsByLength: config.groupsByLength,
      seed: config.seed, skipsBad: skipsBad)
    defer { feed.stop() }
    var meter = Meter(steps - place.stageStep)
    while place.stageStep < steps {
      let rate = schedule.rate(place.stageStep)
      let (loss, norm, tokens) = try step(setup.trainer, feed, rate)
      place.step += 1
      place.stageStep += 1
      place.passes = setup.trainer.passes
      meter.add(tokens)
      var line = JSONObject()
      line.append("step", .int(place.step))
      line.append("stage", .string(stage.name))
      for (key, value) in [("loss", loss), ("rate", rate), ("norm", norm)] { line.append(key, .double(value)) }
      line.append("tokens", .int(tokens))
      line.append("seconds", .double((meter.lastSeconds * 1e4).rounded() / 1e4))
      try folder.log(line)
      progress(
        Progress(stage: stage.name, step: place.stageStep, steps: steps, loss: loss, rate: rate, tokensPerSecond: meter.tokensPerSecond, secondsLeft: meter.secondsLeft))
      if place.step % config.saveEvery == 0 || place.stageStep == steps || cancel.isCancelled { try save(setup) }
      if cancel.isCancelled { throw AviaryError(.cancelled, "stopped behind step \(place.step)", wanted: "--resume to go on", at: config.output) }
    }
    if Folder.names(folder.checkpoint(place.step)).isEmpty { try save(setup) }
    adapterFolder = nil
    if setup.lora == nil { model = folder.checkpoint(place.step) }
  }

  /// One step of the optimiser over all its batches: mean loss, gradients' norm, rows that went through.
  private func step(_ trainer: Trainer, _ feed: BatchFeed, _ rate: Double) throws(AviaryError) -> (loss: Double, norm: Double, tokens: Int) {
    var batches: [[TrainingSample]] = []
    for _ in 0..<config.accumulate { batches.append(try feed.next()) }
    let trained = Double(batches.joined().reduce(0) { $0 + $1.trained })
    var sum = 0.0
    for batch in batches { sum += try trainer.accumulate(batch, scale: 1 / trained) }
    let norm = try trainer.update(rate: rate)
    return (sum / trained, norm, batches.joined().reduce(0) { $0 + $1.count })
  }

  private func save(_ setup: StageSetup) throws(AviaryError) {
    var place = place
    place.base = setup.lora == nil ? "" : model
    try setup.save(to: folder.checkpoint(place.step), place)
    // The stage's checkpoints take their other files from the folder that it started from.
    folder.prune(keep: config.keep, except: model)
  }

  /// Where the trained model or adapter is.
  public var result: String { folder.checkpoint(place.step) }

  /// Samples of a run's first stage as they are trained, what is learnt marked. Writes nothing.
  public static func samples(_ config: TrainConfig, count: Int, _ loader: ModelLoader, on backend: any Backend, skipsBad: Bool) throws(AviaryError) -> [String] {
    let folder = try loader.folder(config.model)
    let loaded = try loader.load(folder, as: try loader.architecture(of: folder), on: backend, random: config.startsFresh ? .f32 : nil)
    let processor = try loader.processor(folder)
    let stage = config.stages[0]
    var sets: [(file: DataFile, weight: Double)] = []
    for set in config.data where stage.data.contains(set.name) { sets.append((try DataFile(set, skipsBad: skipsBad), set.weight)) }
    var mixture = Mixture(sets.map { .init(lines: $0.file.count, weight: $0.weight) }, seed: config.seed)
    let maker = SampleMaker(processor, limit: min(config.maxLength, loaded.model.language.contextLength), style: config.style)
    var texts: [String] = []
    for _ in 0..<count {
      let (part, line, pass) = mixture.next()
      let file = sets[part].file
      texts.append("\(file.place(line)):\n" + maker.marked(try BatchFeed.sample(file, line, pass, maker, processor)))
    }
    return texts
  }
}

/// How fast a run is.
private struct Meter {
  private var rest: Int
  private var mark = ContinuousClock.now
  private var rates: [(tokens: Int, seconds: Double)] = []
  private(set) var lastSeconds = 0.0

  init(_ steps: Int) { rest = steps }

  mutating func add(_ tokens: Int) {
    let now = ContinuousClock.now
    let (whole, part) = (now - mark).components
    lastSeconds = Double(whole) + Double(part) * 1e-18
    mark = now
    rest -= 1
    rates.append((tokens, lastSeconds))
    if rates.count > 50 { rates.removeFirst() }
  }

  private var seconds: Double { max(rates.reduce(0) { $0 + $1.seconds }, 1e-9) }
  var tokensPerSecond: Double { Double(rates.reduce(0) { $0 + $1.tokens }) / seconds }
  var secondsLeft: Double { seconds / Double(max(rates.count, 1)) * Double(rest) }
}

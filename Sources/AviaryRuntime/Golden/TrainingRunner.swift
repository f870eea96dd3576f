import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain

/// Repeats recorded training runs.
extension GoldenRunner {
  func run(_ training: TrainingCase, on backend: any Backend) throws(AviaryError) -> Outcome {
    let folder = try loader.folder(training.modelFolder)
    var loaded = try loader.load(folder, as: try loader.architecture(of: folder), on: backend, random: nil)
    guard let processor = loaded.processor else { throw AviaryError(.internal, "no processor") }
    let (source, map) = try loader.weights(folder)
    let names = ModuleNames(source, map)
    let samples = try training.samples(processor)
    var slots: [Int] = []
    if let adapterFolder = training.adapterFolder {
      let first = loaded.weights.names.count
      loaded = try loaded.adding([(try PEFTAdapter(adapterFolder, names).adapter, 1)])
      slots = Array(first..<loaded.weights.names.count)
    } else {
      slots = loaded.weights.names.indices.filter { !loaded.weights.constants.contains($0) }
      slots = try Trainer.reached(by: samples, of: slots, loaded)
    }
    var options = Trainer.Options()
    options.optimizer = .adamW(training.optimizer)
    // PyTorch's own optimiser knows no kinds of weights.
    options.decaysVectors = true
    let trainer = try Trainer(loaded, training: slots, options)
    let recorded = RecordedNames(training, names, loaded.weights, trainer, source)

    var outcome = Outcome()
    func add(_ name: String, _ shape: [Int], _ values: [Float]) throws(AviaryError) {
      outcome.tensors.append(RecordedTensor(name, shape, .floats(values)))
      guard !Self.isNoise(name), let record = try training.expected.tensor(name) else { return }
      outcome.report.compare(name, shape, values, record.floats(), recordedShape: record.shape.dims, tolerance: tolerance)
    }
    let count = Double(samples.reduce(0) { $0 + $1.trained })
    let shape = [samples.count, samples.map(\.count).max() ?? 0, loaded.model.language.vocabularySize]
    try add("logits_before", shape, try trainer.logits(samples))
    var losses: [Float] = []
    for step in 0..<training.steps {
      losses.append(Float(try trainer.accumulate(samples, scale: 1 / count) / count))
      if step == 0 {
        for name in training.expected.names where name.hasPrefix("grad.") {
          if let (shape, values) = try recorded.gradient(String(name.dropFirst(5))) { try add(name, shape, values) }
        }
      }
      try trainer.update(rate: training.rate)
    }
    losses.append(Float(try trainer.loss(samples) / count))
    outcome.tensors.append(RecordedTensor("losses", [losses.count], .floats(losses)))
    for (index, (own, record)) in zip(losses, training.losses).enumerated() {
      outcome.report.compare("losses[\(index)]", [1], [own], [record], recordedShape: [1], tolerance: tolerance / 10)
    }
    if losses.count != training.losses.count { throw AviaryError(.format, "\(training.losses.count) losses", wanted: "\(losses.count), for \(training.steps) steps", at: training.name) }
    for name in training.expected.names where name.hasPrefix("after.") {
      let (shape, values) = try recorded.value(String(name.dropFirst(6)))
      try add(name, shape, values)
    }
    try add("logits_after", shape, try trainer.logits(samples))
    return outcome
  }

  /// A key projection's bias changes no softmax: its gradient is rounding noise, and Adam makes steps of that.
  private static func isNoise(_ name: String) -> Bool { name.hasSuffix("k_proj.bias") }
}

/// Finds what a record names, by the names of PyTorch's modules.
private struct RecordedNames {
  let training: TrainingCase
  let names: ModuleNames
  let trainer: Trainer
  let source: any WeightSource
  private let weights: ModelWeights
  private let slots: [String: Int]

  init(_ training: TrainingCase, _ names: ModuleNames, _ weights: ModelWeights, _ trainer: Trainer, _ source: any WeightSource) {
    (self.training, self.names, self.weights, self.trainer, self.source) = (training, names, weights, trainer, source)
    slots = Dictionary(weights.names.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { first, _ in first })
  }

  private func slot(_ name: String) -> Int? {
    if let part = PEFTAdapter.part(of: name), let canonical = names.canonical(part.module + ".weight"), let slot = slots[canonical],
      let addition = weights.shapes.lowRank[Int32(slot)]?.first
    {
      return Int((part.isA ? addition.a : addition.b).slot)
    }
    return names.canonical(name).flatMap { slots[$0] }
  }

  func gradient(_ name: String) throws(AviaryError) -> ([Int], [Float])? {
    guard let slot = slot(name), let values = try trainer.gradient(ofSlot: slot) else { return nil }
    return (weights.shapes.all[slot].shape.dims, values)
  }

  /// A weight after the steps: trained, or as it is stored.
  func value(_ name: String) throws(AviaryError) -> ([Int], [Float]) {
    if let slot = slot(name), let values = try trainer.value(ofSlot: slot) { return (weights.shapes.all[slot].shape.dims, values) }
    let wanted = Self.plain(name)
    for stored in source.names where Self.plain(stored) == wanted {
      if let tensor = try source.tensor(stored) { return (tensor.shape.dims, tensor.floats()) }
    }
    throw AviaryError(.format, "the record has \(name)", wanted: "a tensor of the model", at: training.name)
  }

  /// Without the scopes that came and went in Hugging Face's modules.
  private static func plain(_ name: String) -> String {
    name.split(separator: ".").filter { !["model", "vision_model"].contains($0) }.joined(separator: ".")
  }
}

public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// Runs golden cases and compares every stage with its record.
public struct GoldenRunner: Sendable {
  public let loader: ModelLoader
  /// Relative L2 error that tensors may have.
  public var tolerance = 1e-3
  /// In which types weights are stored while a case runs; anything but the checkpoint's own makes it drift.
  public var weights = WeightTypes.kept

  public init(_ loader: ModelLoader) { self.loader = loader }

  public struct Outcome: Sendable {
    public var report = ParityReport()
    /// What this run computed, under the recorded names.
    public var tensors: [RecordedTensor] = []
    public var text = ""
    /// The `id` of the family that ran.
    public var family = ""
  }

  /// Verifies one case on a backend.
  public func run(_ golden: GoldenCase, on backend: any Backend) throws(AviaryError) -> Outcome {
    if let family = golden.component { return try runComponent(golden, of: family, on: backend) }
    if let training = golden.training { return try run(training, on: backend) }
    let loaded = try loader.load(golden.modelFolder, on: backend, weights: weights)
    let generator = try Generator(loaded, features: FeatureCache(), limits: loader.limits)
    guard let processor = loaded.processor else { throw AviaryError(.internal, "no processor") }
    let request = try golden.requestWithImages(loaded, loader.limits)
    var prepared = try generator.prepare(request)

    var outcome = Outcome()
    outcome.family = loaded.architecture
    func add(_ tensor: RecordedTensor, tolerance: Double? = nil) throws(AviaryError) {
      try compare(tensor, golden, &outcome, tolerance: tolerance)
    }

    outcome.report.compare("prompt", prepared.prompt.text, golden.prompt)
    try add(RecordedTensor("input_ids", [prepared.prompt.inputIDs.count], .ints(prepared.prompt.inputIDs.map(Int64.init))))
    for tensor in Self.sight(prepared.prompt, prepared.images.count) { try add(tensor) }
    for tensor in processor.record(prepared.images) { try add(tensor, tolerance: 2e-2) }
    try substituteRecordedPixels(&prepared.images, golden, processor)

    let sequence = try TokenSequence(loaded, capacity: prepared.prompt.count + request.maxTokens + 1)
    var media: [PerceivedMedia] = []
    var taps: [RecordedTensor] = []
    for (index, image) in prepared.images.enumerated() {
      let seen = try sequence.perceive(image, taps: true)
      media.append(PerceivedMedia(key: "\(index)", rows: seen.rows))
      taps += seen.taps
    }
    for tensor in Self.joined(taps) { try add(tensor) }

    let prefilled = try sequence.prefill(prepared.prompt, media, allLogits: true)
    for tensor in prefilled.taps { try add(tensor) }
    let vocabulary = loaded.model.language.vocabularySize
    try add(RecordedTensor("logits", [prepared.prompt.count, vocabulary], .floats(prefilled.allLogits)))

    var steps: [Float] = []
    var logits = prefilled.logits
    var loop = AnswerLoop(request, processor, prompt: prepared.prompt.inputIDs)
    while !loop.isDone {
      steps += logits
      let token = try loop.next(&logits)
      if !loop.isDone { try sequence.decode(token.id, into: &logits) }
    }
    _ = loop.finish()
    outcome.text = loop.text
    try add(RecordedTensor("step_logits", [loop.ids.count, vocabulary], .floats(steps)))
    try add(RecordedTensor("generated_ids", [loop.ids.count], .ints(loop.ids.map(Int64.init))))
    return outcome
  }

  /// Verifies a part that runs alone.
  private func runComponent(_ golden: GoldenCase, of family: String, on backend: any Backend) throws(AviaryError) -> Outcome {
    guard let architecture = loader.architectures.first(where: { $0.id == family }) else {
      throw AviaryError(.config, "a part of the family \(family)", wanted: "one of " + loader.architectures.map { $0.id }.joined(separator: ", "), at: golden.name)
    }
    var outcome = Outcome()
    outcome.family = family
    for tensor in try architecture.component(try loader.folder(golden.modelFolder), try golden.allFloats(), on: backend) {
      try compare(tensor, golden, &outcome)
    }
    return outcome
  }

  private func compare(_ tensor: RecordedTensor, _ golden: GoldenCase, _ outcome: inout Outcome, tolerance: Double? = nil) throws(AviaryError) {
    outcome.tensors.append(tensor)
    switch tensor.values {
    case .floats(let values):
      outcome.report.compare(
        tensor.name, tensor.shape, values, try golden.floats(tensor.name), recordedShape: try golden.expected.tensor(tensor.name)?.shape.dims ?? [],
        tolerance: tolerance ?? self.tolerance)
    case .ints(let values): outcome.report.compare(tensor.name, values, try golden.integers(tensor.name))
    }
  }

  /// Where pictures stand and who may look at them, for models that look at them by cross-attention.
  private static func sight(_ prompt: TokenizedPrompt, _ pictures: Int) -> [RecordedTensor] {
    guard let sight = prompt.sight else { return [] }
    let rows = sight.seen.count
    let mask = sight.seen.flatMap { seen in (0..<pictures).map { Int64($0) == Int64(seen) ? Int64(1) : 0 } }
    return [
      RecordedTensor("media_locations", [rows], .ints((0..<rows).map { sight.places.contains($0) ? 1 : 0 })),
      RecordedTensor("image_attention_mask", [rows, pictures], .ints(mask)),
    ]
  }

  /// Where the decoder's pixels differ by a grey level from the reference's, the recorded ones are fed, so that the
  /// later stages are judged on their own.
  private func substituteRecordedPixels(_ images: inout [PreparedImage], _ golden: GoldenCase, _ processor: any Processor) throws(AviaryError) {
    for own in processor.record(images) {
      guard let view = own.view, case .floats(let values) = own.values, let recorded = try golden.floats(own.name), recorded.count == values.count,
        zip(values, recorded).contains(where: { abs($0 - $1) > 1e-5 })
      else { continue }
      // Pictures may be padded to the same number of tiles: each takes its own part of the record.
      let stride = own.shape.count == 5 ? own.shape[1...].reduce(1, *) : 0
      var offset = 0
      for index in images.indices where view < images[index].views.count {
        let count = images[index].views[view].values.count
        let start = stride > 0 ? index * stride : offset
        images[index].views[view].values = Array(recorded[start..<start + count])
        offset += count
      }
    }
  }

  /// Taps of several pictures joined along the first axis, as references record them.
  private static func joined(_ taps: [RecordedTensor]) -> [RecordedTensor] {
    var order: [String] = []
    var byName: [String: RecordedTensor] = [:]
    for tap in taps {
      guard case .floats(let values) = tap.values else { continue }
      guard let before = byName[tap.name], case .floats(let earlier) = before.values else {
        order.append(tap.name)
        byName[tap.name] = tap
        continue
      }
      var shape = before.shape
      if !shape.isEmpty, !tap.shape.isEmpty { shape[0] += tap.shape[0] }
      byName[tap.name] = RecordedTensor(tap.name, shape, .floats(earlier + values))
    }
    return order.compactMap { byName[$0] }
  }

  /// Writes a run's tensors as safetensors.
  public static func dump(_ tensors: [RecordedTensor], to path: String) throws(AviaryError) {
    var stored: [StoredTensor] = []
    for tensor in tensors {
      let (dtype, pages): (DType, OwnedPages)
      switch tensor.values {
      case .floats(let values): (dtype, pages) = (.f32, try OwnedPages(values, name: tensor.name))
      case .ints(let values): (dtype, pages) = (.i64, try OwnedPages(values, name: tensor.name))
      }
      stored.append(StoredTensor(name: tensor.name, shape: Shape(tensor.shape), dtype: dtype, pages: pages, offset: 0))
    }
    try SafetensorsWriter.write(stored, to: path)
  }
}

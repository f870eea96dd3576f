import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain

/// A recorded training run: a checkpoint, a batch, and what some steps of an optimiser made of them.
struct TrainingCase {
  let name: String
  let modelFolder: String
  /// A PEFT adapter that is trained instead of the model.
  let adapterFolder: String?
  let optimizer: Optimizer.AdamW
  let rate: Double
  let steps: Int
  let losses: [Float]
  let expected: SafetensorsFile

  /// nil where the folder is no training case.
  init?(_ folder: String, _ facts: ConfigReader, _ expected: SafetensorsFile, name: String) throws(AviaryError) {
    guard try facts.optionalString("kind") == "training" else { return nil }
    self.name = name
    self.expected = expected
    // Training cases share the checkpoints of others, beside their own folder.
    modelFolder = folder + "/" + (try facts.string("model", default: "model"))
    adapterFolder = try facts.optionalString("adapter").map { folder + "/" + $0 }
    guard let settings = try facts.object("optimizer") else { throw AviaryError(.config, "no optimizer", wanted: "AdamW's settings", at: facts.place) }
    let _: Bool = try settings.choice("name", of: [("AdamW", true)])
    let betas = try settings.numbers("betas", count: 2, default: [0.9, 0.999])
    var adam = Optimizer.AdamW()
    (adam.beta1, adam.beta2) = (betas[0], betas[1])
    adam.epsilon = try settings.number("eps", default: 1e-8, in: 0...1)
    adam.weightDecay = try settings.number("weight_decay", default: 0.01, in: 0...1)
    optimizer = adam
    rate = try settings.number("lr", in: 0...1)
    steps = try facts.int("steps", in: 0...10_000)
    losses = (try facts.array("losses", maxCount: 100_000) ?? []).compactMap(\.double).map { Float($0) }
  }

  /// The recorded batch.
  func samples(_ processor: any Processor) throws(AviaryError) -> [TrainingSample] {
    guard let ids = try expected.tensor("input_ids"), let labels = try expected.tensor("labels"), ids.shape.count == 2, ids.shape == labels.shape,
      let idValues = ids.integers(), let labelValues = labels.integers()
    else { throw AviaryError(.format, "no batch", wanted: "input_ids and labels [batch, tokens]", at: name) }
    let mask = try expected.tensor("attention_mask")?.integers()
    let imageToken = processor.imageMarker.flatMap { processor.tokenizer.id(of: $0) }
    var pictures = try pictures(rows: imageToken.map { token in idValues.count { $0 == Int64(token) } } ?? 0)
    let length = ids.shape[1]
    var samples: [TrainingSample] = []
    for row in 0..<ids.shape[0] {
      let range = (row * length..<(row + 1) * length).filter { mask?[$0] != 0 }
      let own = range.map { idValues[$0] }
      let perPicture = pictures.first?.layout.tokens ?? 1
      let count = imageToken.map { token in own.count { $0 == Int64(token) } / max(perPicture, 1) } ?? 0
      let mine = Array(pictures.prefix(count))
      pictures.removeFirst(mine.count)
      samples.append(try TrainingSample(ids: own, labels: range.map { labelValues[$0] }, imageToken: imageToken, images: mine, at: name))
    }
    return samples
  }

  /// Pictures as recorded: equal shares of the rows that stand for them.
  private func pictures(rows: Int) throws(AviaryError) -> [PreparedImage] {
    guard let pixels = try expected.tensor("pixel_values") else { return [] }
    guard pixels.shape.count == 4, pixels.shape[0] > 0, rows % pixels.shape[0] == 0 else {
      throw AviaryError(.format, "pixel_values \(pixels.shape) for \(rows) rows", wanted: "[pictures, 3, h, w], with equal rows each", at: name)
    }
    let values = pixels.floats()
    let size = pixels.shape.dropFirst().elements
    return (0..<pixels.shape[0]).map { index in
      let view = PixelTensor(shape: [1] + pixels.shape.dims.dropFirst(), values: Array(values[index * size..<(index + 1) * size]))
      return PreparedImage(views: [view], layout: MediaLayout(tokens: rows / pixels.shape[0], imageWidth: pixels.shape[3], imageHeight: pixels.shape[2]))
    }
  }
}

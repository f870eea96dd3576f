public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// OpenFlamingo (Awadalla et al. 2023): a CLIP, a Perceiver resampler, and a frozen decoder with gated cross-attention
/// blocks in front of some of its layers; composed of `checkpoint.pt`, a CLIP's folder and a decoder's folder.
public enum Flamingo: Architecture {
  public static let id = "flamingo"
  public static let claims = ["open_flamingo", "OpenFlamingo"]

  public struct Config: Sendable {
    public var text: DecoderConfig
    public var vision: CLIPConfig
    public var features: FeatureLayers
    public var trained: TrainedParts
    public var parts: Parts
  }

  /// A release has no configuration: a folder with the resampler's tensors, or with a decoder's folder in it, is one.
  public static func recognises(_ folder: any ModelFolder) throws(AviaryError) -> Bool {
    if let config = try folder.optionalConfig("config.json") { return try recognises(config) }
    if try folder.json("\(Parts.defaultLanguage)/config.json") != nil { return true }
    guard let source = try? folder.weights() else { return false }
    return TrainedParts.isRelease(source)
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let parts = try Parts(folder)
    let text = try DecoderConfig(try parts.languageConfig(folder))
    var vision = try parts.visionConfig(folder)
    let trained: TrainedParts
    if let declared = try TrainedParts(declaredBy: folder, text, visionWidth: vision.hiddenSize) {
      trained = declared
    } else {
      trained = try TrainedParts(try parts.checkpoint(folder), text)
      vision.joinsProjections = ClipNames.isOpenCLIP(try parts.visionWeights(folder).names)
    }
    guard trained.perceiver.width == vision.hiddenSize else {
      throw AviaryError(
        .config, "a vision tower of width \(vision.hiddenSize)", wanted: "\(trained.perceiver.width), which the resampler reads", at: parts.visionName)
    }
    var sized = text
    sized.vocabularySize = trained.vocabularySize ?? text.vocabularySize
    let features = try FeatureLayers([-1], of: vision.layers, keepsClassToken: false, at: parts.visionName)
    return Config(text: sized, vision: vision, features: features, trained: trained, parts: parts)
  }

  public static func weights(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let tower = try config.parts.visionWeights(folder)
    let language = RenamedSource(try config.parts.languageWeights(folder), NameMap(TrainedParts.unusedLanguageRules), prefix: "language_model.")
    let trained = TrainedParts.renamed(try config.parts.checkpoint(folder), config.text)
    let eye = RenamedSource(tower, ClipNames.tower(tower.names, config.vision, config.features))
    // What was trained replaces what was frozen: the tables of embeddings are in both.
    return (try MergedSource([trained, eye, language].map { MergedSource.Part($0) }, duplicates: .first), NameMap())
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> CrossAttended<CLIPViT, Perceiver, AnyDecoder, GatedCrossAttention> {
    let eye = try CLIPViT(w["vision_model"], c.vision, c.features)
    let resampler = try Perceiver(w["perceiver"], c.trained.perceiver)
    guard resampler.maxMedia == nil else {
      throw AviaryError(.weights, "embeddings of a picture's place (perceiver.media_time_embs)", wanted: "a checkpoint without: no release has them")
    }
    let decoder = try c.text.model(w["language_model"])
    var blocks: [GatedCrossAttention?] = []
    for layer in 0..<c.text.layers {
      let hasBlock = (layer + 1) % c.trained.interval == 0
      blocks.append(
        hasBlock
          ? try GatedCrossAttention(
            openFlamingo: w["blocks"][layer], c.text.width, context: eye.width, heads: c.trained.heads, head: TrainedParts.head) : nil)
    }
    return CrossAttended(eye, resampler, Interleaved(decoder, blocks), tokens: c.trained.perceiver.latents, width: eye.width)
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try FlamingoProcessor(config, folder)
  }

  /// The resampler alone, with frames and pictures in rows: `vision_features` [1, pictures, frames, patches, width].
  public static func component(_ folder: any ModelFolder, _ recorded: [RecordedTensor], on backend: any Backend) throws(AviaryError) -> [RecordedTensor] {
    let source = TrainedParts.renamed(try folder.weights(), nil)
    let perceiver = try TrainedParts.perceiver(source)
    let (resampler, weights) = try Weights.load(.checkpoint(source, NameMap()), on: backend) { (w) throws(AviaryError) in
      try Perceiver(w["perceiver"], perceiver)
    }
    guard let input = recorded.first(where: { $0.name == "vision_features" }), case .floats(let values) = input.values,
      input.shape.count == 5, input.shape[0] == 1, input.shape[4] == perceiver.width, input.shape.allSatisfy({ $0 > 0 }),
      input.shape[1] <= resampler.maxMedia ?? .max, input.shape[2] <= resampler.maxFrames ?? .max
    else {
      throw AviaryError(.format, "no vision_features that the resampler can read", wanted: "[1, pictures, frames, patches, \(perceiver.width)]")
    }
    let runner = try GraphRunner(weights, on: backend)
    func run(pictures: Int, frames: Int, _ values: [Float]) throws(AviaryError) -> [Float] {
      let planned = try runner.plan { graph in
        [resampler(frames: graph.input(0, [pictures, frames, input.shape[3], perceiver.width], .f32))]
      }
      return try runner.run(planned, [.floats(values)]).outputs[0]
    }
    let (pictures, rows) = (input.shape[1], input.shape[3] * perceiver.width)
    return [
      RecordedTensor(
        "image_embeds", [1, pictures, perceiver.latents, perceiver.width], .floats(try run(pictures: pictures, frames: input.shape[2], values))),
      RecordedTensor(
        "image_embeds_single", [1, 1, perceiver.latents, perceiver.width], .floats(try run(pictures: 1, frames: 1, Array(values[..<rows])))),
    ]
  }
}

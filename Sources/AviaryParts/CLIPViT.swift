public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a CLIP vision tower; Hugging Face's `CLIPVisionConfig` defaults fill what a file leaves out.
public struct CLIPConfig: Sendable, Hashable {
  public var hiddenSize = 768
  public var intermediateSize = 3072
  public var layers = 12
  public var heads = 12
  public var patchSize = 32
  public var imageSize = 224
  public var epsilon = 1e-5
  public var activation = UnaryKind.quickGelu
  /// Queries, keys and values are rows of one matrix `in_proj`, as OpenAI's own files have them.
  public var joinsProjections = false

  /// - Parameters:
  ///   - types: values of `model_type` that mean this tower: others have the same keys and other layers.
  ///   - width: the key of the channels.
  public init(_ c: ConfigReader, types: [String] = ["clip_vision_model", "clip"], width: String = "hidden_size") throws(AviaryError) {
    let _: Bool = try c.choice("model_type", default: types.first, of: types.map { ($0, true) })
    hiddenSize = try c.int(width, default: 768, in: 1...16_384)
    intermediateSize = try c.int("intermediate_size", default: 3072, in: 1...262_144)
    layers = try c.int("num_hidden_layers", default: 12, in: 1...256)
    heads = try c.int("num_attention_heads", default: 12, in: 1...256)
    imageSize = try c.int("image_size", default: 224, in: 1...4096)
    patchSize = try c.int("patch_size", default: 32, in: 1...1024)
    epsilon = try c.number("layer_norm_eps", default: 1e-5, in: 0...1)
    activation = try c.choice("hidden_act", default: "quick_gelu", of: Activation.byName)
    guard patchSize <= imageSize else {
      throw AviaryError(.config, "patch_size \(patchSize)", wanted: "at most image_size \(imageSize)", at: c.place)
    }
    guard hiddenSize % heads == 0 else {
      throw AviaryError(.config, "\(width) \(hiddenSize)", wanted: "a multiple of num_attention_heads \(heads)", at: c.place)
    }
  }

  /// Reads `open_clip_config.json`, whose defaults are open_clip's.
  public init(openCLIP c: ConfigReader) throws(AviaryError) {
    guard let model = try c.object("model_cfg"), let vision = try model.object("vision_cfg") else {
      throw AviaryError(.config, "no model_cfg.vision_cfg", wanted: "the sizes of a vision tower", at: c.place)
    }
    hiddenSize = try vision.int("width", default: 768, in: 1...16_384)
    layers = try vision.int("layers", default: 12, in: 1...256)
    let head = try vision.int("head_width", default: 64, in: 1...16_384)
    imageSize = try vision.int("image_size", default: 224, in: 1...4096)
    patchSize = try vision.int("patch_size", default: 16, in: 1...1024)
    let ratio = try vision.number("mlp_ratio", default: 4, in: 0.01...64)
    intermediateSize = Int(Double(hiddenSize) * ratio)
    activation = try model.bool("quick_gelu", default: false) ? .quickGelu : .gelu
    guard hiddenSize % head == 0, hiddenSize >= head else {
      throw AviaryError(.config, "width \(hiddenSize)", wanted: "a multiple of head_width \(head)", at: vision.place)
    }
    heads = hiddenSize / head
    guard patchSize <= imageSize else {
      throw AviaryError(.config, "patch_size \(patchSize)", wanted: "at most image_size \(imageSize)", at: vision.place)
    }
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
}

/// Which hidden states a model takes its features from, counted as Hugging Face counts: 0 is the embedding output,
/// -1 the last layer's. Several are joined channel by channel.
public struct FeatureLayers: Sendable, Hashable {
  /// Index into [embedding output, layer 0, ..., layer N-1], ascending as configured.
  public let indices: [Int]
  public let keepsClassToken: Bool

  /// - Throws: `.config` where a layer does not exist.
  public init(_ layers: [Int], of total: Int, keepsClassToken: Bool, at place: String) throws(AviaryError) {
    var indices: [Int] = []
    for layer in layers {
      let index = layer < 0 ? layer + total + 1 : layer
      guard (0...total).contains(index) else {
        throw AviaryError(.config, "feature layer \(layer)", wanted: "\(-total - 1)...\(total), for a tower of \(total) layers", at: place)
      }
      indices.append(index)
    }
    guard !indices.isEmpty else { throw AviaryError(.config, "no feature layer", wanted: "at least one", at: place) }
    self.indices = indices
    self.keepsClassToken = keepsClassToken
  }
}

/// The vision transformer of CLIP (Radford et al. 2021): patches and a class token, learned positions, a norm in front
/// (`pre_layrnorm`, as the checkpoints spell it), pre-norm blocks. Layers behind the last one asked for do not run and
/// are not read.
public struct CLIPViT: VisionEncoder {
  let patches: PatchEmbedding
  let classToken: Weight
  let positions: Weight
  let preNorm: LayerNorm
  let layers: [ViTBlock]
  let features: FeatureLayers
  let config: CLIPConfig
  let path: ModulePath

  public var width: Int { config.hiddenSize * features.indices.count }
  public var viewShapes: [Shape] { [[1, 3, config.imageSize, config.imageSize]] }
  /// Rows per picture.
  public var tokens: Int { config.grid * config.grid + (features.keepsClassToken ? 1 : 0) }

  /// Takes `embeddings`, `pre_layrnorm` and `encoder.layers.N` below the scope (`vision_model` of a CLIP checkpoint).
  public init(_ w: Weights, _ config: CLIPConfig, _ features: FeatureLayers) throws(AviaryError) {
    let w = w.part(.vision)
    self.config = config
    self.features = features
    path = w.path
    let e = w["embeddings"]
    patches = try PatchEmbedding(e["patch_embedding"], width: config.hiddenSize, patch: config.patchSize)
    classToken = try e.weight("class_embedding", [config.hiddenSize])
    positions = try e["position_embedding"].weight("weight", [config.grid * config.grid + 1, config.hiddenSize])
    preNorm = try LayerNorm(w["pre_layrnorm"], config.hiddenSize, epsilon: config.epsilon)
    var layers: [ViTBlock] = []
    for index in 0..<(features.indices.max() ?? 0) {
      layers.append(
        try ViTBlock(
          w["encoder"]["layers"][index], config.hiddenSize, config.intermediateSize, heads: config.heads, epsilon: config.epsilon,
          activation: config.activation, layout: config.joinsProjections ? .joined("in_proj") : .separate))
    }
    self.layers = layers
  }

  /// [n, 3, size, size] -> [n, tokens, width]
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let pixels = views[0]
    let graph = pixels.graph
    let n = pixels.size(0)
    var x = graph.within(path) {
      let rows = patches(pixels)  // [n, grid², hidden]
      let first = graph.use(classToken).expanded(to: [n, 1, config.hiddenSize])
      return Tensor.concat([first, rows], axis: 1) + graph.use(positions)
    }
    x = preNorm(x)
    var states = [x]
    for layer in layers {
      x = layer(x)
      states.append(x)
    }
    let chosen = features.indices.map { index in
      features.keepsClassToken ? states[index] : states[index].slice(1, 1..<states[index].size(1))
    }
    return Tensor.concat(chosen, axis: 2)
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a SigLIP vision tower; Hugging Face's `SiglipVisionConfig` defaults fill what a file leaves out.
public struct SigLIPConfig: Sendable, Hashable {
  public var hiddenSize = 768
  public var intermediateSize = 3072
  public var layers = 12
  public var heads = 12
  public var patchSize = 16
  public var imageSize = 224
  public var epsilon = 1e-6
  public var activation = UnaryKind.geluTanh
  /// timm's tensors: queries, keys and values in one, positions with an axis in front.
  public var isTimm = false

  public init(_ c: ConfigReader) throws(AviaryError) {
    let _: Bool = try c.choice("model_type", default: "siglip_vision_model", of: [("siglip_vision_model", true), ("siglip", true)])
    hiddenSize = try c.int("hidden_size", default: 768, in: 1...16_384)
    intermediateSize = try c.int("intermediate_size", default: 3072, in: 1...262_144)
    layers = try c.int("num_hidden_layers", default: 12, in: 1...256)
    heads = try c.int("num_attention_heads", default: 12, in: 1...256)
    imageSize = try c.int("image_size", default: 224, in: 1...4096)
    patchSize = try c.int("patch_size", default: 16, in: 1...1024)
    epsilon = try c.number("layer_norm_eps", default: 1e-6, in: 0...1)
    activation = try c.choice("hidden_act", default: "gelu_pytorch_tanh", of: Activation.byName)
    try check(at: c.place)
  }

  /// A tower in timm's layout: exact GELU, epsilon 1e-6.
  ///
  /// - Throws: `.config` where the sizes do not go together.
  public init(timmWidth width: Int, hidden: Int, layers: Int, heads: Int, patchSize: Int, imageSize: Int, at place: String) throws(AviaryError) {
    (hiddenSize, intermediateSize, self.layers, self.heads) = (width, hidden, layers, heads)
    (self.patchSize, self.imageSize, activation, isTimm) = (patchSize, imageSize, .gelu, true)
    try check(at: place)
  }

  private func check(at place: String) throws(AviaryError) {
    guard patchSize <= imageSize else {
      throw AviaryError(.config, "patches of \(patchSize) in pictures of \(imageSize)", wanted: "patches no larger than pictures", at: place)
    }
    guard hiddenSize % heads == 0 else {
      throw AviaryError(.config, "a width of \(hiddenSize)", wanted: "a multiple of the \(heads) heads", at: place)
    }
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
}

/// The vision transformer of SigLIP (Zhai et al. 2023) without its pooling head: patches with a bias, learned positions,
/// no class token, pre-norm blocks, a norm at the end.
public struct SigLIP: VisionEncoder {
  let patches: PatchEmbedding
  let positions: Weight
  let layers: [ViTBlock]
  let norm: LayerNorm
  let config: SigLIPConfig
  let path: ModulePath

  public var width: Int { config.hiddenSize }
  public var viewShapes: [Shape] { [[1, 3, config.imageSize, config.imageSize]] }

  /// Takes `embeddings`, `encoder.layers.N` and `post_layernorm` below the scope.
  public init(_ w: Weights, _ config: SigLIPConfig) throws(AviaryError) {
    let w = w.part(.vision)
    self.config = config
    path = w.path
    let (width, cells) = (config.hiddenSize, config.grid * config.grid)
    patches = try PatchEmbedding(w["embeddings"]["patch_embedding"], width: width, patch: config.patchSize, bias: true)
    positions = try w["embeddings"]["position_embedding"].weight("weight", config.isTimm ? [1, cells, width] : [cells, width])
    var layers: [ViTBlock] = []
    for index in 0..<config.layers {
      layers.append(
        try ViTBlock(
          w["encoder"]["layers"][index], width, config.intermediateSize, heads: config.heads, epsilon: config.epsilon,
          activation: config.activation, layout: config.isTimm ? .joined("qkv") : .separate))
    }
    self.layers = layers
    norm = try LayerNorm(w["post_layernorm"], width, epsilon: config.epsilon)
  }

  /// [n, 3, size, size] -> [n, grid², width]
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let pixels = views[0]
    let x = pixels.graph.within(path) { patches(pixels) + pixels.graph.use(positions) }
    return norm(layers.reduce(x) { $1($0) })
  }

  /// Rules from timm's names below a scope to those that `init` takes below another.
  public static func timmNames(_ config: SigLIPConfig, from: String, to: String) -> [NameMap.Rule] {
    [
      .prefix(from + "patch_embed.proj.", to + "embeddings.patch_embedding."), .exact(from + "pos_embed", to + "embeddings.position_embedding.weight"),
      .prefix(from + "norm.", to + "post_layernorm."), .ignorePrefix(from + "attn_pool."),
    ] + ViTNames.blocks(config.layers, from: from + "blocks.", to: to + "encoder.layers.")
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of an EVA-CLIP vision tower as BLIP-2 uses it; those of ViT-g where nothing else is said.
public struct EVAConfig: Sendable, Hashable {
  public var width: Int
  public var layers: Int
  public var heads: Int
  public var hidden: Int
  public var patchSize: Int
  public var imageSize: Int
  public var epsilon: Double
  /// Of the norm behind the tower.
  public var outputEpsilon: Double
  /// Whether that norm was trained; otherwise it scales by one and shifts by nothing.
  public var hasTrainedNorm: Bool

  /// - Parameter c: `vision` of a configuration that says sizes.
  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader, imageSize: Int, outputEpsilon: Double, hasTrainedNorm: Bool) throws(AviaryError) {
    width = try c.int("embed_dim", default: 1408, in: 1...16_384)
    layers = try c.int("depth", default: 39, in: 1...256)
    heads = try c.int("num_heads", default: 16, in: 1...256)
    hidden = try c.int("mlp_dim", default: 6144, in: 1...262_144)
    patchSize = try c.int("patch_size", default: 14, in: 1...1024)
    epsilon = try c.number("layer_norm_eps", default: 1e-6, in: 0...1)
    (self.imageSize, self.outputEpsilon, self.hasTrainedNorm) = (imageSize, outputEpsilon, hasTrainedNorm)
    guard width % heads == 0 else {
      throw AviaryError(.config, "embed_dim \(width)", wanted: "a multiple of num_heads \(heads)", at: c.place)
    }
    guard patchSize <= imageSize else {
      throw AviaryError(.config, "patch_size \(patchSize)", wanted: "at most image_size \(imageSize)", at: c.place)
    }
    guard try c.bool("qkv_bias", default: true) else {
      throw AviaryError(.config, "qkv_bias false", wanted: "true, as published", at: c.place)
    }
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
}

/// EVA-CLIP's vision transformer (Fang et al. 2022; Sun et al. 2023) as BLIP-2 uses it: a class token first, queries and
/// values with a bias and keys without, no norm at the end of its own; BLIP-2's `ln_vision` follows.
public struct EVA: VisionEncoder {
  let patches: PatchEmbedding
  let classToken: Weight
  let positions: PositionTable
  let layers: [ViTBlock]
  let norm: LayerNorm
  let config: EVAConfig
  let path: ModulePath

  public var width: Int { config.width }
  public var viewShapes: [Shape] { [[1, 3, config.imageSize, config.imageSize]] }

  /// Takes `patch_embed.proj`, `cls_token`, `pos_embed`, `layers.N` and `ln_vision` below the scope.
  public init(_ w: Weights, _ config: EVAConfig) throws(AviaryError) {
    let w = w.part(.vision)
    self.config = config
    path = w.path
    patches = try PatchEmbedding(w["patch_embed"]["proj"], width: config.width, patch: config.patchSize, bias: true)
    classToken = try w.weight("cls_token", [1, 1, config.width])
    positions = try PositionTable(w, "pos_embed", width: config.width, grid: config.grid, leading: 1, batched: true)
    var layers: [ViTBlock] = []
    for index in 0..<config.layers {
      layers.append(
        try ViTBlock(
          w["layers"][index], config.width, config.hidden, heads: config.heads, epsilon: config.epsilon, activation: .gelu, keyBias: false))
    }
    self.layers = layers
    norm = try LayerNorm(w["ln_vision"], config.width, epsilon: config.outputEpsilon, scale: config.hasTrainedNorm, bias: config.hasTrainedNorm)
  }

  /// [n, 3, size, size] -> [n, 1 + grid², width]
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let pixels = views[0]
    let graph = pixels.graph
    let x = graph.within(path) {
      let rows = patches(pixels)
      let first = graph.use(classToken).cast(.f32).expanded(to: [rows.size(0), 1, config.width])
      return Tensor.concat([first, rows], axis: 1) + positions(graph, grid: config.grid)
    }
    return norm(layers.reduce(x) { $1($0) })
  }

  /// Queries, keys and values lie in one matrix.
  public static let split = SplitSource.Rule(".attn.qkv.weight", ["q", "k", "v"].map { ".attn.\($0)_proj.weight" })

  /// Rules from the published names below a scope, split, to those that `init` takes below another. The file may have a
  /// 40th block and a classifier, which are not used.
  public static func names(_ config: EVAConfig, from: String, to: String) -> [NameMap.Rule] {
    let blocks = (0..<config.layers).flatMap { index -> [NameMap.Rule] in
      let (stored, own) = ("\(from)blocks.\(index).", "\(to)layers.\(index).")
      return [
        .prefix(stored + "norm1.", own + "layer_norm1."), .prefix(stored + "norm2.", own + "layer_norm2."),
        .exact(stored + "attn.q_bias", own + "self_attn.q_proj.bias"), .exact(stored + "attn.v_bias", own + "self_attn.v_proj.bias"),
        .prefix(stored + "attn.proj.", own + "self_attn.out_proj."), .prefix(stored + "attn.", own + "self_attn."), .prefix(stored, own),
      ]
    }
    return blocks + ["blocks.\(config.layers).", "norm.", "fc_norm.", "head."].map { NameMap.Rule.ignorePrefix(from + $0) } + [.prefix(from, to)]
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of Qwen-VL's vision tower, the `visual` object of its configuration.
public struct OpenCLIPConfig: Sendable, Hashable {
  public var width: Int
  public var layers: Int
  public var heads: Int
  public var hidden: Int
  public var patchSize: Int
  public var imageSize: Int
  /// All norms of the tower.
  public var epsilon = 1e-6
  /// The table of positions belongs to a grid of this side, whatever the pictures' size.
  public var tableSide = 16

  /// - Throws: `.config` with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    width = try c.int("width", in: 1...16_384)
    layers = try c.int("layers", in: 1...256)
    heads = try c.int("heads", in: 1...256)
    patchSize = try c.int("patch_size", in: 1...1024)
    imageSize = try c.int("image_size", in: 1...4096)
    let ratio = try c.number("mlp_ratio", default: 4, in: 0.001...1024)
    hidden = Int(Double(width) * ratio)
    guard hidden > 0 else { throw AviaryError(.config, "mlp_ratio for no channel", wanted: "at least one", at: "\(c.place).mlp_ratio") }
    guard width % heads == 0 else {
      throw AviaryError(.config, "width \(width)", wanted: "a multiple of heads \(heads)", at: "\(c.place).width")
    }
    guard patchSize <= imageSize else {
      throw AviaryError(.config, "patch_size \(patchSize)", wanted: "at most image_size \(imageSize)", at: "\(c.place).patch_size")
    }
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
}

/// OpenCLIP's vision transformer (Ilharco et al. 2021) as Qwen-VL runs it: no class token, positions resized to the
/// pictures' grid, queries, keys and values interleaved head by head, no norm at the end.
public struct OpenCLIPViT: VisionEncoder {
  let patches: PatchEmbedding
  let positions: PositionTable
  let preNorm: LayerNorm
  let layers: [ViTBlock]
  let config: OpenCLIPConfig
  let path: ModulePath

  public var width: Int { config.width }
  public var viewShapes: [Shape] { [[1, 3, config.imageSize, config.imageSize]] }

  /// Takes `conv1`, `positional_embedding`, `ln_pre` and `layers.N` below the scope.
  public init(_ w: Weights, _ config: OpenCLIPConfig) throws(AviaryError) {
    let w = w.part(.vision)
    self.config = config
    path = w.path
    patches = try PatchEmbedding(w["conv1"], width: config.width, patch: config.patchSize)
    positions = try PositionTable(w, "positional_embedding", width: config.width, side: config.tableSide, grid: config.grid)
    preNorm = try LayerNorm(w["ln_pre"], config.width, epsilon: config.epsilon)
    var layers: [ViTBlock] = []
    for index in 0..<config.layers {
      layers.append(
        try ViTBlock(
          w["layers"][index], config.width, config.hidden, heads: config.heads, epsilon: config.epsilon, activation: .gelu,
          layout: .interleaved("in_proj")))
    }
    self.layers = layers
  }

  /// [n, 3, size, size] -> [n, grid², width]
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let pixels = views[0]
    let x = pixels.graph.within(path) { patches(pixels) + positions(pixels.graph, grid: config.grid) }
    return layers.reduce(preNorm(x)) { $1($0) }
  }

  /// Rules from the published names below a scope to those that `init` takes below another.
  public static func names(_ config: OpenCLIPConfig, from: String, to: String) -> [NameMap.Rule] {
    let parts = [
      ("ln_1.", "layer_norm1."), ("attn.", "self_attn."), ("ln_2.", "layer_norm2."), ("mlp.c_fc.", "mlp.fc1."), ("mlp.c_proj.", "mlp.fc2."),
    ]
    let blocks = (0..<config.layers).flatMap { index in
      parts.map { NameMap.Rule.prefix("\(from)transformer.resblocks.\(index).\($0.0)", "\(to)layers.\(index).\($0.1)") }
    }
    return blocks + [.prefix(from, to)]
  }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of Segment Anything's image encoder and of what language models put behind it.
public struct SAMConfig: Sendable, Hashable {
  public var width = 768
  public var mlpWidth = 3072
  public var layers = 12
  public var heads = 12
  public var patchSize = 16
  public var imageSize = 1024
  /// Blocks whose cells see the whole map; in the others they see a window.
  public var globalBlocks = [2, 5, 8, 11]
  public var window = 14
  public var neckChannels = 256
  public var epsilon = 1e-6
  public var activation = UnaryKind.gelu
  /// Channels of the convolutions of stride 2 behind the neck.
  public var downsampleChannels: [Int] = []
  /// The map is brought to this side before those convolutions.
  public var resizedSide: Int?
  /// The first global block's map is added through a neck of its own, scaled by a learned number.
  public var hasSidePath = false

  public static let largestWindow = SquareMap.largestSide

  /// The ViT-B of Segment Anything.
  public init() {}

  /// Hugging Face's `SamVisionConfig`, whose defaults are those of ViT-B.
  public init(_ c: ConfigReader) throws(AviaryError) {
    let _: Bool = try c.choice("model_type", default: "sam_vision_model", of: [("sam_vision_model", true)])
    width = try c.int("hidden_size", default: width, in: 1...16_384)
    let ratio = try c.number("mlp_ratio", default: 4, in: 0.01...64)
    mlpWidth = try c.int("mlp_dim", default: max(1, Int(Double(width) * ratio)), in: 1...262_144)
    layers = try c.int("num_hidden_layers", default: layers, in: 1...256)
    heads = try c.int("num_attention_heads", default: heads, in: 1...256)
    patchSize = try c.int("patch_size", default: patchSize, in: 1...1024)
    imageSize = try c.int("image_size", default: imageSize, in: 1...4096)
    globalBlocks = try SAMConfig.indices(c, "global_attn_indexes") ?? globalBlocks
    window = try c.int("window_size", default: window, in: 1...SquareMap.largestSide)
    neckChannels = try c.int("output_channels", default: neckChannels, in: 1...16_384)
    epsilon = try c.number("layer_norm_eps", default: epsilon, in: 0...1)
    activation = try c.choice("hidden_act", default: "gelu", of: Activation.byName)
    for key in ["qkv_bias", "use_abs_pos", "use_rel_pos"] where try !c.bool(key, default: true) {
      throw AviaryError(.config, "\(key) false", wanted: "true, as in Segment Anything", at: c.place)
    }
    try check(at: c.place)
  }

  /// A list of block numbers, where there is one.
  public static func indices(_ c: ConfigReader, _ key: String) throws(AviaryError) -> [Int]? {
    guard let items = try c.array(key, maxCount: 256) else { return nil }
    var numbers: [Int] = []
    for item in items {
      guard let number = item.int, (0...65_536).contains(number) else {
        throw AviaryError(.config, item.kindDescription, wanted: "a number from 0 to 65536", at: "\(c.place): \(key)")
      }
      numbers.append(number)
    }
    return numbers
  }

  /// - Throws: `.config` where the sizes do not go together.
  public func check(at place: String) throws(AviaryError) {
    guard patchSize <= imageSize, grid <= SquareMap.largestSide else {
      throw AviaryError(
        .config, "patches of \(patchSize) in pictures of \(imageSize)", wanted: "from 1 to \(SquareMap.largestSide) patches a side", at: place)
    }
    guard width % heads == 0 else {
      throw AviaryError(.config, "a width of \(width)", wanted: "a multiple of the \(heads) heads", at: place)
    }
    guard globalBlocks.allSatisfy({ $0 < layers }), !(hasSidePath && globalBlocks.isEmpty) else {
      throw AviaryError(.config, "global attention in blocks \(globalBlocks)", wanted: "blocks from 0 to \(layers - 1)", at: place)
    }
    guard resizedSide.map({ (1...4096).contains($0) }) ?? true, downsampleChannels.allSatisfy({ (1...65_536).contains($0) }) else {
      throw AviaryError(.config, "a map of side \(resizedSide ?? 0) to \(downsampleChannels) channels", wanted: "sizes above 0", at: place)
    }
  }

  /// Patches along one side.
  public var grid: Int { imageSize / patchSize }
  /// Cells along one side of what comes out.
  public var outputGrid: Int { downsampleChannels.reduce(resizedSide ?? grid) { side, _ in (side + 1) / 2 } }
  /// Channels of what comes out.
  public var outputWidth: Int { downsampleChannels.last ?? neckChannels }
}

/// Segment Anything's image encoder (Kirillov et al. 2023; ViTDet, Li et al. 2022): blocks with attention in windows and,
/// here and there, over the whole map, with relative positions; a neck of convolutions; and behind it the convolutions
/// by which Vary and DeepSeek-VL make few tokens of it.
public struct SAMViT: VisionEncoder {
  let patches: PatchEmbedding
  let positions: Weight
  let blocks: [ViTBlock]
  let neck: SAMNeck
  let side: SidePath?
  let downsamples: [Convolution]
  let config: SAMConfig
  let path: ModulePath

  /// From the first global block past all others.
  struct SidePath: Sendable {
    let block: Int
    let neck: SAMNeck
    let alpha: Weight
  }

  public var width: Int { config.outputWidth }
  public var viewShapes: [Shape] { [[1, 3, config.imageSize, config.imageSize]] }

  /// Takes `patch_embed.proj`, `pos_embed`, `layers.N`, `neck`, `downsamples.N` and, for the side path, `side_neck` and
  /// `side_alpha` below the scope.
  public init(_ w: Weights, _ config: SAMConfig) throws(AviaryError) {
    let w = w.part(.vision)
    self.config = config
    path = w.path
    patches = try PatchEmbedding(w["patch_embed"]["proj"], width: config.width, patch: config.patchSize, bias: true)
    positions = try w.weight("pos_embed", [1, config.grid, config.grid, config.width])
    let whole = try SquareMap(w["map"], side: config.grid)
    let windowed = try SquareMap(w["window"], side: config.window)
    var blocks: [ViTBlock] = []
    for index in 0..<config.layers {
      let isGlobal = config.globalBlocks.contains(index)
      blocks.append(
        try ViTBlock(
          w["layers"][index], config.width, config.mlpWidth, heads: config.heads, epsilon: config.epsilon, activation: config.activation,
          layout: .joined("qkv"), positions: isGlobal ? whole : windowed, windows: isGlobal ? nil : Windows(map: config.grid, window: config.window)))
    }
    self.blocks = blocks
    neck = try SAMNeck(w["neck"], config)
    side =
      config.hasSidePath
      ? SidePath(block: config.globalBlocks.min() ?? 0, neck: try SAMNeck(w["side_neck"], config), alpha: try w.weight("side_alpha", [1])) : nil
    var downsamples: [Convolution] = []
    var channels = config.neckChannels
    for (index, output) in config.downsampleChannels.enumerated() {
      downsamples.append(try Convolution(w["downsamples"][index], channels, output, kernel: 3, stride: 2, padding: 1))
      channels = output
    }
    self.downsamples = downsamples
  }

  /// [n, 3, size, size] -> [n, outputGrid², width], row by row.
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let pixels = views[0]
    let (n, cells) = (pixels.size(0), config.grid * config.grid)
    var x = pixels.graph.within(path) { patches(pixels) + pixels.graph.use(positions).reshaped(1, cells, config.width) }
    var early: Tensor?
    for (index, block) in blocks.enumerated() {
      x = block(x)
      if index == side?.block { early = x }
    }
    var map = shrink(neck(x))
    if let side, let early { map = map + shrink(side.neck(early)) * map.graph.use(side.alpha).reshaped(1, 1, 1, 1) }
    return map.reshaped(n, width, -1).transposed()
  }

  private func shrink(_ map: Tensor) -> Tensor {
    let sized = config.resizedSide.map { map.resize2d(Resize2D(.bilinear), height: $0, width: $0) } ?? map
    return downsamples.reduce(sized) { $1($0) }
  }

  /// Rules from the names of the original repository and of Hugging Face's package below a scope to those that `init`
  /// takes below another.
  public static func names(_ config: SAMConfig, from: String, to: String) -> [NameMap.Rule] {
    var rules: [NameMap.Rule] = [.prefix(from + "patch_embed.projection.", to + "patch_embed.proj.")]
    for (stored, own) in [("neck.", "neck."), ("neck_hd.", "side_neck.")] {
      for (index, layer) in ["conv1.", "layer_norm1.", "conv2.", "layer_norm2."].enumerated() {
        rules.append(.prefix("\(from)\(stored)\(index).", to + own + layer))
      }
    }
    rules.append(.exact(from + "hd_alpha_downsamples", to + "side_alpha"))
    for blocks in ["blocks.", "layers."] { rules += ViTNames.blocks(config.layers, from: from + blocks, to: to + "layers.") }
    return rules + [.prefix(from, to)]
  }
}

/// A 1x1 and a 3x3 convolution, each with a norm over channels behind it.
struct SAMNeck: Sendable {
  let conv1: Convolution
  let norm1: LayerNorm
  let conv2: Convolution
  let norm2: LayerNorm
  let grid: Int

  init(_ w: Weights, _ c: SAMConfig) throws(AviaryError) {
    grid = c.grid
    conv1 = try Convolution(w["conv1"], c.width, c.neckChannels, kernel: 1)
    norm1 = try LayerNorm(w["layer_norm1"], c.neckChannels, epsilon: c.epsilon)
    conv2 = try Convolution(w["conv2"], c.neckChannels, c.neckChannels, kernel: 3, padding: 1)
    norm2 = try LayerNorm(w["layer_norm2"], c.neckChannels, epsilon: c.epsilon)
  }

  /// [n, grid², width] -> [n, channels, grid, grid]
  func callAsFunction(_ x: Tensor) -> Tensor {
    let map = x.reshaped(x.size(0), grid, grid, x.size(2)).permuted(0, 3, 1, 2)
    return overChannels(norm2, conv2(overChannels(norm1, conv1(map))))
  }

  private func overChannels(_ norm: LayerNorm, _ map: Tensor) -> Tensor { norm(map.permuted(0, 2, 3, 1)).permuted(0, 3, 1, 2) }
}

import AviaryCore
import AviaryParts
import AviaryTensor

/// Sizes of the two towers: what config.json says of them (`vision_config` and `vision_config_high`, with which a model can begin that has no weights yet), else
/// what the shapes of their tensors tell, as of the published models, whose files say nothing; and those of the published models where there are none.
enum TowerShapes {
  /// CLIP's heads are 64 channels wide in all its sizes.
  private static let clipHead = 64

  static func clip(_ config: ConfigReader, _ source: (any WeightSource)?, at place: String) throws(AviaryError) -> CLIPConfig {
    if let own = try config.object("vision_config") { return try CLIPConfig(own) }
    var c = try CLIPConfig(.empty(place))
    (c.hiddenSize, c.intermediateSize, c.layers, c.heads, c.patchSize, c.imageSize) = (1024, 4096, 24, 16, 14, 224)
    let scope = "transformer.vision_tower.vision_model."
    guard let source else { return c }
    let patches = try shape(source, scope + "embeddings.patch_embedding.weight", 4, place)
    let positions = try shape(source, scope + "embeddings.position_embedding.weight", 2, place)
    let up = try shape(source, scope + "encoder.layers.0.mlp.fc1.weight", 2, place)
    (c.hiddenSize, c.patchSize, c.intermediateSize) = (patches[0], patches[2], up[0])
    c.layers = count(source, scope + "encoder.layers.")
    c.heads = max(1, c.hiddenSize / clipHead)
    c.imageSize = c.patchSize * root(positions[0] - 1)
    guard c.hiddenSize % c.heads == 0, c.grid * c.grid == positions[0] - 1, (1...4096).contains(c.imageSize) else {
      throw AviaryError(
        .config, "a CLIP of width \(c.hiddenSize) with \(positions[0]) positions", wanted: "heads of 64 and a square of positions and one", at: place)
    }
    return c
  }

  static func sam(_ config: ConfigReader, _ source: (any WeightSource)?, at place: String) throws(AviaryError) -> SAMConfig {
    var c = SAMConfig()
    c.downsampleChannels = [512, 1024]
    if let own = try config.object("vision_config_high") {
      let channels = try SAMConfig.indices(own, "downsample_channels") ?? c.downsampleChannels
      c = try SAMConfig(own)
      c.downsampleChannels = channels
      try c.check(at: own.place)
      return c
    }
    let scope = "transformer.vision_tower_high."
    guard let source else { return c }
    let patches = try shape(source, scope + "patch_embed.proj.weight", 4, place)
    let positions = try shape(source, scope + "pos_embed", 4, place)
    let up = try shape(source, scope + "blocks.0.mlp.lin1.weight", 2, place)
    let neck = try shape(source, scope + "neck.0.weight", 4, place)
    let first = try shape(source, scope + "net_2.weight", 4, place)
    let second = try shape(source, scope + "net_3.weight", 4, place)
    (c.width, c.patchSize, c.mlpWidth, c.neckChannels) = (patches[0], patches[2], up[0], neck[0])
    let (side, overflow) = c.patchSize.multipliedReportingOverflow(by: positions[1])
    guard !overflow, side <= 4096 else {
      throw AviaryError(.config, "\(positions[1]) patches of \(c.patchSize)", wanted: "pictures of at most 4096 pixels", at: place)
    }
    c.imageSize = side
    c.downsampleChannels = [first[0], second[0]]
    c.layers = count(source, scope + "blocks.")
    guard (1...256).contains(c.layers) else { throw AviaryError(.config, "\(c.layers) blocks", wanted: "1...256", at: place) }
    c.globalBlocks = []
    for block in 0..<c.layers {
      let table = try shape(source, scope + "blocks.\(block).attn.rel_pos_h", 2, place)
      c.heads = max(1, c.width / table[1])
      // A block whose table reaches over the whole map attends to all of it.
      if table[0] == 2 * c.grid - 1 { c.globalBlocks.append(block) } else { c.window = (table[0] + 1) / 2 }
    }
    guard c.window <= SAMConfig.largestWindow else {
      throw AviaryError(.config, "windows of \(c.window)", wanted: "at most \(SAMConfig.largestWindow)", at: place)
    }
    try c.check(at: place)
    return c
  }

  /// The shape of a tensor of that rank.
  private static func shape(_ source: any WeightSource, _ name: String, _ rank: Int, _ place: String) throws(AviaryError) -> Shape {
    guard let shape = try source.tensor(name)?.shape else {
      throw AviaryError(.weights, "no tensor \(name)", wanted: "Vary's two towers in \(source.summary)", at: place)
    }
    guard shape.count == rank, shape.dims.allSatisfy({ (1...1_048_576).contains($0) }) else {
      throw AviaryError(.weights, "\(name) of shape \(shape)", wanted: "\(rank) sizes above 0", at: place)
    }
    return shape
  }

  /// How many numbered modules lie below a scope.
  private static func count(_ source: any WeightSource, _ scope: String) -> Int {
    let numbers = source.names.filter { $0.hasPrefix(scope) }.compactMap { Int($0.dropFirst(scope.count).prefix { $0.isNumber }) }
    return Set(numbers).count
  }

  /// The whole root of a square number, or of the next smaller one.
  private static func root(_ number: Int) -> Int { Int(Double(max(0, number)).squareRoot()) }
}

public import AviaryCore
import AviaryNN
public import AviaryTensor

/// Sizes of a Perceiver resampler.
public struct PerceiverConfig: Sendable, Hashable {
  public var width: Int
  public var latents: Int
  public var depth: Int
  public var heads: Int
  public var head: Int
  public var form: Form

  /// The two published forms: they differ in names, in the activation, and in norms of queries and keys.
  public enum Form: Sendable, Hashable {
    case openFlamingo
    case idefics(normalisesHeads: Bool)
  }

  public init(width: Int, latents: Int, depth: Int, heads: Int, head: Int, form: Form) {
    (self.width, self.latents, self.depth, self.heads, self.head, self.form) = (width, latents, depth, heads, head, form)
  }
}

/// The Perceiver resampler (Alayrac et al. 2022): learned latents look at a picture's patches, and at themselves, so
/// that every picture becomes the same number of rows.
public struct Perceiver: Adapter {
  let config: PerceiverConfig
  let latents: Weight
  /// Added to all patches of a frame [frames, width], and to all of a picture [pictures, 1, width], where there are any.
  let frameEmbeddings: Weight?
  let mediaEmbeddings: Weight?
  let layers: [PerceiverLayer]
  let norm: LayerNorm
  let path: ModulePath

  public init(_ w: Weights, _ config: PerceiverConfig) throws(AviaryError) {
    self.config = config
    path = w.path
    latents = try w.weight("latents", [config.latents, config.width])
    frameEmbeddings = try Self.table("frame_embs", w, config) { [$0[0], config.width] }
    mediaEmbeddings = try Self.table("media_time_embs", w, config) { [$0[0], 1, config.width] }
    let isOpenFlamingo = config.form == .openFlamingo
    var layers: [PerceiverLayer] = []
    for index in 0..<config.depth { layers.append(try PerceiverLayer(w[isOpenFlamingo ? "layers" : "blocks"][index], config)) }
    self.layers = layers
    norm = try LayerNorm(w[isOpenFlamingo ? "norm" : "layer_norm"], config.width)
  }

  /// A table whose number of rows only the checkpoint says.
  private static func table(_ name: String, _ w: Weights, _ config: PerceiverConfig, _ shape: (Shape) -> Shape) throws(AviaryError) -> Weight? {
    guard let stored = try w.storedShape(name), stored.count > 0 else { return nil }
    return try w.weight(name, shape(stored))
  }

  /// Most frames of a picture and most pictures, where the checkpoint limits them.
  public var maxFrames: Int? { frameEmbeddings.map { $0.shape[0] } }
  public var maxMedia: Int? { mediaEmbeddings.map { $0.shape[0] } }

  /// [n, t, width] -> [n, latents, width]: one frame of each picture.
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor {
    self(frames: features.reshaped(features.size(0), 1, features.size(1), config.width))
  }

  /// [pictures, frames, patches, width] -> [pictures, latents, width]
  public func callAsFunction(frames features: Tensor) -> Tensor {
    let graph = features.graph
    let (pictures, frames) = (features.size(0), features.size(1))
    var x = features
    var state = graph.within(path) {
      if let frameEmbeddings { x = x + graph.use(frameEmbeddings).slice(0, 0..<frames).reshaped(1, frames, 1, config.width) }
      x = x.reshaped(pictures, -1, config.width)
      if let mediaEmbeddings { x = x + graph.use(mediaEmbeddings).slice(0, 0..<pictures) }
      return graph.use(latents).cast(.f32).expanded(to: [pictures, config.latents, config.width])
    }
    for layer in layers { state = layer(x, state) }
    return norm(state)
  }
}

/// One layer: attention of the latents to patches and latents, and a feed-forward part.
struct PerceiverLayer: Sendable {
  let contextNorm: LayerNorm
  let latentNorm: LayerNorm
  let attention: CrossAttention
  let mlpNorm: LayerNorm
  let mlp: MLP

  init(_ w: Weights, _ c: PerceiverConfig) throws(AviaryError) {
    let (attentionScope, mlpScope) = (w[0], w[1])
    switch c.form {
    case .openFlamingo:
      contextNorm = try LayerNorm(attentionScope["norm_media"], c.width)
      latentNorm = try LayerNorm(attentionScope["norm_latents"], c.width)
      attention = try CrossAttention(attentionScope, c.width, context: c.width, heads: c.heads, head: c.head, names: .lucidrains)
      mlpNorm = try LayerNorm(mlpScope["0"], c.width)
      mlp = try MLP(mlpScope, c.width, 4 * c.width, .gelu, names: ("1", "3"), bias: false)
    case .idefics(let normalisesHeads):
      contextNorm = try LayerNorm(attentionScope["context_layer_norm"], c.width)
      latentNorm = try LayerNorm(attentionScope["latents_layer_norm"], c.width)
      var names = CrossAttention.Names.projections
      names.output = "output_proj"
      let norms: (query: Norm, key: Norm)? =
        normalisesHeads
        ? (
          query: Norm.layer(try LayerNorm(attentionScope["q_layer_norm"], c.head)), key: Norm.layer(try LayerNorm(attentionScope["k_layer_norm"], c.head))
        ) : nil
      attention = try CrossAttention(attentionScope, c.width, context: c.width, heads: c.heads, head: c.head, names: names, norms: norms)
      mlpNorm = try LayerNorm(mlpScope["ln"], c.width)
      mlp = try MLP(mlpScope, c.width, 4 * c.width, .relu, names: ("fc", "c_proj"), bias: false)
    }
  }

  /// Patches [n, t, width] and latents [n, k, width] -> [n, k, width]
  func callAsFunction(_ patches: Tensor, _ latents: Tensor) -> Tensor {
    let asked = latentNorm(latents)
    let (keys, values) = attention.keysAndValues(Tensor.concat([contextNorm(patches), asked], axis: 1))
    let h = latents + attention(asked, keys, values)
    return h + mlp(mlpNorm(h))
  }
}

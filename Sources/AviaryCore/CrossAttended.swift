public import AviaryTensor

/// A decoder whose layers run one by one, so that a composition can put blocks of its own between them.
public protocol LayeredLanguageModel: LanguageModel {
  var layerCount: Int { get }
  /// [t, width] -> [t, width]
  func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor
  /// The final norm: [t, width] -> [t, width]
  func normalised(_ x: Tensor) -> Tensor
}

extension LayeredLanguageModel {
  public func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    normalised((0..<layerCount).reduce(x) { layer($1, $0, step) })
  }
}

/// A decoder chosen by a configuration.
public struct AnyDecoder: LayeredLanguageModel {
  private let decoder: any LayeredLanguageModel
  public init(_ decoder: any LayeredLanguageModel) { self.decoder = decoder }

  public var width: Int { decoder.width }
  public var vocabularySize: Int { decoder.vocabularySize }
  public var contextLength: Int { decoder.contextLength }
  public var cacheShapes: [KVShape] { decoder.cacheShapes }
  public var layerCount: Int { decoder.layerCount }
  public func embed(_ ids: Tensor) -> Tensor { decoder.embed(ids) }
  public func layer(_ index: Int, _ x: Tensor, _ step: Step) -> Tensor { decoder.layer(index, x, step) }
  public func normalised(_ x: Tensor) -> Tensor { decoder.normalised(x) }
  public func logits(_ hidden: Tensor) -> Tensor { decoder.logits(hidden) }
  public func positionRegime(promptTokens: Int) -> Int { decoder.positionRegime(promptTokens: promptTokens) }
}

/// A block in front of a decoder layer that looks at pictures (Alayrac et al. 2022).
public protocol CrossAttentionBlock: Sendable {
  /// What it keeps for one row of a picture.
  var cacheShape: KVShape { get }
  /// Rows of pictures [m, d] to keys and values [m, heads, width].
  func keysAndValues(_ rows: Tensor) -> (keys: Tensor, values: Tensor)
  /// [t, width] -> [t, width]; `seen` is nil where no token may look at a picture.
  func callAsFunction(_ x: Tensor, _ seen: SeenMedia?) -> Tensor
}

/// A decoder with blocks in front of some of its layers.
public struct Interleaved<L: LayeredLanguageModel, B: CrossAttentionBlock>: LanguageModel {
  public let decoder: L
  /// By layer; nil where a layer has none.
  let blocks: [B?]

  public init(_ decoder: L, _ blocks: [B?]) {
    precondition(blocks.count == decoder.layerCount, "\(blocks.count) places for blocks in \(decoder.layerCount) layers")
    self.decoder = decoder
    self.blocks = blocks
  }

  public var width: Int { decoder.width }
  public var vocabularySize: Int { decoder.vocabularySize }
  public var contextLength: Int { decoder.contextLength }
  public var cacheShapes: [KVShape] { decoder.cacheShapes }
  /// What the blocks keep, in their order.
  var mediaShapes: [KVShape] { blocks.compactMap { $0?.cacheShape } }

  public func embed(_ ids: Tensor) -> Tensor { decoder.embed(ids) }
  public func logits(_ hidden: Tensor) -> Tensor { decoder.logits(hidden) }
  public func positionRegime(promptTokens: Int) -> Int { decoder.positionRegime(promptTokens: promptTokens) }

  public func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor {
    var h = x
    var next = 0
    for (index, block) in blocks.enumerated() {
      if let block {
        h = block(h, step.media?.seen(block: next, block.keysAndValues))
        next += 1
      }
      h = decoder.layer(index, h, step)
    }
    return decoder.normalised(h)
  }
}

/// Gated cross-attention between decoder layers, masked per picture: Flamingo, IDEFICS.
public struct CrossAttended<V: VisionEncoder, A: Adapter, L: LayeredLanguageModel, B: CrossAttentionBlock>: MultimodalModel {
  public let encoder: V
  public let adapter: A
  public let language: Interleaved<L, B>
  public let media: MediaShape?
  public var canSee: Bool { true }
  public var viewShapes: [Shape] { encoder.viewShapes }

  /// - Parameters:
  ///   - tokens: rows that the adapter makes of one picture.
  ///   - width: channels of these rows.
  public init(_ encoder: V, _ adapter: A, _ language: Interleaved<L, B>, tokens: Int, width: Int) {
    self.encoder = encoder
    self.adapter = adapter
    self.language = language
    media = MediaShape(blocks: language.mediaShapes, tokens: tokens, width: width)
  }

  public func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept {
    let features = encoder(views).tapped("vision_features")
    let rows = adapter(features, layout).tapped("image_embeds")
    return .cross(rows.reshaped(-1, rows.size(-1)))
  }
}

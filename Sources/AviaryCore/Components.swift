public import AviaryTensor

/// Pixels to features. A picture may be seen as several views (two crops, two resolutions), each [n, 3, h, w].
public protocol VisionEncoder: Sendable {
  /// Channels of the features.
  var width: Int { get }
  /// Shapes of one picture's views, [1, 3, h, w] each, for measuring without a picture.
  var viewShapes: [Shape] { get }
  /// -> [n, t, width]
  func callAsFunction(_ views: [Tensor]) -> Tensor
  /// Under which its features are shown to who asks for taps.
  var featuresName: String { get }
}

extension VisionEncoder {
  public var featuresName: String { "vision_features" }
}

/// Features of one picture to rows that the language model reads.
public protocol Adapter: Sendable {
  /// [n, t, dv] -> [n, k, dm] or, where rows of several tiles are packed into one sequence, [k, dm].
  func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor
}

/// An encoder chosen by a configuration.
public struct AnyEncoder: VisionEncoder {
  private let encoder: any VisionEncoder
  public init(_ encoder: any VisionEncoder) { self.encoder = encoder }

  public var width: Int { encoder.width }
  public var viewShapes: [Shape] { encoder.viewShapes }
  public var featuresName: String { encoder.featuresName }
  public func callAsFunction(_ views: [Tensor]) -> Tensor { encoder(views) }
}

/// Adapters one behind another; none leaves the features as they are.
public struct AdapterChain: Adapter {
  private let adapters: [any Adapter]
  public init(_ adapters: [any Adapter]) { self.adapters = adapters }
  public func callAsFunction(_ features: Tensor, _ layout: MediaLayout) -> Tensor { adapters.reduce(features) { $1($0, layout) } }
}

/// A decoder that turns token embeddings into logits, with its keys and values in the step's cache.
public protocol LanguageModel: Sendable {
  /// Channels of its embeddings.
  var width: Int { get }
  var vocabularySize: Int { get }
  /// Positions that it was trained for; a longer prompt is an error.
  var contextLength: Int { get }
  /// What it keeps per layer.
  var cacheShapes: [KVShape] { get }
  /// [t] i32 -> [t, width]
  func embed(_ ids: Tensor) -> Tensor
  /// [t, width] -> [t, width], after the final norm.
  func callAsFunction(_ x: Tensor, _ step: Step) -> Tensor
  /// [t, width] -> [t, vocabulary]
  func logits(_ hidden: Tensor) -> Tensor
  /// The number of the way in which a prompt of that length encodes positions, where that depends on the length
  /// (dynamic NTK). It holds until the next prompt; keys that were cached in another way are computed anew.
  func positionRegime(promptTokens: Int) -> Int
}

extension LanguageModel {
  public func positionRegime(promptTokens: Int) -> Int { 0 }
}

/// Keys and values of one layer for one token: [kvHeads, keyWidth] and [kvHeads, valueWidth].
public struct KVShape: Hashable, Sendable {
  public var heads: Int
  public var keyWidth: Int
  public var valueWidth: Int
  public init(heads: Int, keyWidth: Int, valueWidth: Int) {
    self.heads = heads
    self.keyWidth = keyWidth
    self.valueWidth = valueWidth
  }
}

/// What a picture becomes for the language model: these three cover the field.
public enum Percept {
  /// Rows spliced into the text's embeddings: [k, dm].
  case soft(Tensor)
  /// Rows that cross-attention layers look at: [k, d].
  case cross(Tensor)
  /// Token ids: [k] i32.
  case tokens(Tensor)
}

/// How one picture's features are arranged; made by the processor, read by the adapter.
public struct MediaLayout: Hashable, Sendable {
  /// Rows that the language model gets for this picture: declared before anything runs, checked after.
  public var tokens: Int
  /// Original size in pixels, upright.
  public var imageWidth: Int
  public var imageHeight: Int
  /// Set where the picture was cut into tiles.
  public var tiling: Tiling?

  public init(tokens: Int, imageWidth: Int, imageHeight: Int, tiling: Tiling? = nil) {
    self.tokens = tokens
    self.imageWidth = imageWidth
    self.imageHeight = imageHeight
    self.tiling = tiling
  }

  /// A grid of tiles behind an overview tile (LLaVA-NeXT): `side` patches along each tile's edge, and the part of the
  /// joined map that stays after un-padding.
  public struct Tiling: Hashable, Sendable {
    public var rows: Int
    public var columns: Int
    public var side: Int
    public var keptRows: Range<Int>
    public var keptColumns: Range<Int>
    public init(rows: Int, columns: Int, side: Int, keptRows: Range<Int>, keptColumns: Range<Int>) {
      self.rows = rows
      self.columns = columns
      self.side = side
      self.keptRows = keptRows
      self.keptColumns = keptColumns
    }
  }
}

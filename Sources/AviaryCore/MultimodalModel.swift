public import AviaryTensor

/// An encoder, an adapter and a language model joined; the engine runs it without knowing which.
public protocol MultimodalModel: Sendable {
  associatedtype Language: LanguageModel
  var language: Language { get }
  /// Whether it can look at pictures at all. A picture given to a blind model is an error, never ignored.
  var canSee: Bool { get }
  /// Shapes of one picture's views where it can see.
  var viewShapes: [Shape] { get }
  /// What is kept of each picture where pictures are looked at by cross-attention instead of spliced in.
  var media: MediaShape? { get }
  /// One picture's views, each [tiles, 3, h, w], to what the language model gets.
  func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept
}

extension MultimodalModel {
  public var media: MediaShape? { nil }
  /// Channels of a picture's rows.
  var perceptWidth: Int { media?.width ?? language.width }
}

/// Embeddings of pictures spliced into those of the text: LLaVA, Yi-VL, Qwen-VL, Vary, DeepSeek-VL, MiniGPT-4.
public struct Spliced<V: VisionEncoder, A: Adapter, L: LanguageModel>: MultimodalModel {
  public let encoder: V
  public let adapter: A
  public let language: L
  public var canSee: Bool { true }
  public var viewShapes: [Shape] { encoder.viewShapes }

  public init(_ encoder: V, _ adapter: A, _ language: L) {
    self.encoder = encoder
    self.adapter = adapter
    self.language = language
  }

  public func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept {
    let features = encoder(views).tapped(encoder.featuresName)
    let rows = adapter(features, layout).tapped("image_embeds")
    return .soft(rows.reshaped(-1, language.width))
  }
}

/// A language model alone.
public struct TextOnly<L: LanguageModel>: MultimodalModel {
  public let language: L
  public var canSee: Bool { false }
  public var viewShapes: [Shape] { [] }
  public init(_ language: L) { self.language = language }
  public func perceive(_ views: [Tensor], _ layout: MediaLayout) -> Percept {
    preconditionFailure("the engine refuses pictures for a model without eyes")
  }
}

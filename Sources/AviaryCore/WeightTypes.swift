public import AviaryTensor

/// The parts of a model whose weights may be stored in different types. Encoders and decoders mark their own scope
/// (`Weights.part`); what nobody marks is an adapter's.
public enum ModelPart: Sendable {
  case language, vision, adapter
}

/// How weights are stored while a model runs; nil keeps the checkpoint's own type. Vectors (norms, biases) are f32 whatever stands here.
public struct WeightTypes: Sendable, Hashable {
  public var language: DType?
  public var vision: DType?
  public var adapter: DType?

  public init(language: DType? = nil, vision: DType? = nil, adapter: DType? = nil) {
    self.language = language
    self.vision = vision
    self.adapter = adapter
  }

  /// Everything as it is stored.
  public static let kept = WeightTypes()

  public subscript(part: ModelPart) -> DType? {
    switch part {
    case .language: language
    case .vision: vision
    case .adapter: adapter
    }
  }
}

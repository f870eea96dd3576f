public import AviaryTensor

/// What to show to the model and how: the architecture's own prompt text, pixels and slots.
public protocol Processor: Sendable {
  var tokenizer: any Tokenizer { get }
  /// Where generation ends, beside the user's own stop strings.
  var stop: StopRule { get }
  /// Ids that an answer never has: tokens that stand for pictures.
  var suppressed: Set<Int32> { get }
  /// Control tokens that belong to an answer's text: the marks around places in pictures.
  var markup: Set<Int32> { get }
  /// How it writes places in pictures; nil for families that were not trained to.
  var regions: (any RegionSyntax)? { get }
  /// Everything that changes a picture's pixels, in words: part of the key of cached features.
  var parameters: String { get }

  /// The conversation as prompt text, media placeholders not yet expanded.
  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText
  /// A picture with the answer to it, to be shown in front of a question of the same kind; by default an earlier turn in
  /// which that question was asked.
  func demonstration(_ image: Int, answer: String, to question: String, _ options: PromptOptions) -> [ChatMessage]
  /// Pixels and layout of one picture.
  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage
  /// Token ids with typed slots for the pictures, in order. Fails where slots and pictures do not match in number.
  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt
  /// The placeholder that stands for a picture in a prompt given as it is (`--raw`).
  var imageMarker: String? { get }
  /// What the reference implementation records beside the common tensors, in its own arrangement: `pixel_values` and
  /// the like. For parity checks only.
  func record(_ images: [PreparedImage]) -> [RecordedTensor]
  /// The answer as the reference reports it: trimmed, stop words removed.
  func clean(_ answer: String) -> String
}

extension Processor {
  public func clean(_ answer: String) -> String { answer }
  public var suppressed: Set<Int32> { [] }
  public var markup: Set<Int32> { [] }
  public var regions: (any RegionSyntax)? { nil }
  public func demonstration(_ image: Int, answer: String, to question: String, _ options: PromptOptions) -> [ChatMessage] {
    [ChatMessage(.user, [.image(image), .text(question)]), ChatMessage(.assistant, answer)]
  }
}

public struct PromptOptions: Sendable, Hashable {
  /// Replaces the system text of the prompt style; a system message in the conversation wins.
  public var system: String?
  /// A named prompt style where the checkpoint allows several (original LLaVA: `v1`, `llava_v1`, ...).
  public var style: String?
  /// The texts are written in the model's own prompt language, control tokens included: a developer's, never a user's.
  /// Only families read it whose published prompts cannot be written otherwise (Flamingo's demonstrations).
  public var trustsText = false
  /// What the pictures are called, in order, for models whose prompts name them (Qwen-VL: their paths).
  public var imageNames: [String] = []
  /// The prompt ends where the assistant is to speak. Off, it ends behind the last message, as training reads it.
  public var addsGenerationPrompt = true
  public init(system: String? = nil, style: String? = nil) {
    self.system = system
    self.style = style
  }
}

/// When generation ends: at an id, or where the decoded text contains a string.
public struct StopRule: Sendable, Hashable {
  public var ids: Set<Int32>
  public var strings: [String]
  public init(ids: Set<Int32> = [], strings: [String] = []) {
    self.ids = ids
    self.strings = strings
  }
}

/// One picture, ready for the encoder.
public struct PreparedImage: Sendable {
  /// Each [tiles, 3, h, w].
  public var views: [PixelTensor]
  public var layout: MediaLayout
  public init(views: [PixelTensor], layout: MediaLayout) {
    self.views = views
    self.layout = layout
  }
}

/// A prompt as the engine runs it: tokens and slots in order.
public struct TokenizedPrompt: Sendable {
  public enum Part: Sendable, Hashable {
    case tokens([Int32])
    /// The n-th picture takes this many rows.
    case image(Int, count: Int)
  }
  public var parts: [Part]
  /// Ids as the reference implementation reports them: placeholders as it writes them.
  public var inputIDs: [Int32]
  /// The prompt text after expansion, as it was tokenised.
  public var text: String
  /// Which row may look at which picture, where the pictures take no rows of their own.
  public var sight: MediaSight?
  public init(parts: [Part], inputIDs: [Int32], text: String, sight: MediaSight? = nil) {
    self.parts = parts
    self.inputIDs = inputIDs
    self.text = text
    self.sight = sight
  }

  /// Rows of the language model's input.
  public var count: Int {
    parts.reduce(0) {
      switch $1 {
      case .tokens(let ids): $0 + ids.count
      case .image(_, let count): $0 + count
      }
    }
  }

  /// "600 tokens, 576 of them picture 1", for the error about a prompt that is too long.
  var account: String {
    parts.reduce(into: "\(count) tokens") {
      if case .image(let index, let count) = $1 { $0 += ", \(count) of them picture \(index + 1)" }
    }
  }
}

/// Which token of a prompt may look at which picture. Tokens generated behind it see what its last one does.
public struct MediaSight: Sendable, Hashable {
  /// The picture that each row sees, -1 for none.
  public var seen: [Int32]
  /// The rows that stand for the pictures, in order.
  public var places: [Int]
  public init(seen: [Int32], places: [Int]) {
    self.seen = seen
    self.places = places
  }
}

/// A named tensor in a reference's arrangement.
public struct RecordedTensor: Sendable {
  public enum Values: Sendable {
    case floats([Float])
    case ints([Int64])
  }
  public let name: String
  public let shape: [Int]
  public let values: Values
  /// Set where the values are that view of all pictures, so that a recorded view can stand in for one's own.
  public let view: Int?
  public init(_ name: String, _ shape: [Int], _ values: Values, view: Int? = nil) {
    self.name = name
    self.shape = shape
    self.values = values
    self.view = view
  }
}

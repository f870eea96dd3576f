/// A picture of a request, decoded, with the key that stands for it in caches.
public struct ImageInput: Sendable {
  public let image: PixelImage
  /// SHA-256 over the file's bytes and sizes; the engine adds model and processor.
  public let key: String
  public init(image: PixelImage, key: String) {
    self.image = image
    self.key = key
  }
}

/// What to answer, and how.
public struct GenerationRequest: Sendable {
  public enum Prompt: Sendable {
    /// A conversation, put into the model's own prompt form.
    case chat([ChatMessage])
    /// Text fed as it is, without a template; the processor's image marker in it stands for a picture.
    case raw(String)
  }
  public var prompt: Prompt
  public var images: [ImageInput]
  public var options = PromptOptions()
  public var sampling = Sampling()
  public var maxTokens = 512
  public var stop: [String] = []
  /// Tokens that are guessed ahead at most, by what followed the same words before; the answer is the same. 0 guesses none.
  /// Requests that run in common steps guess nothing.
  public var lookup = 0

  public init(_ prompt: Prompt, images: [ImageInput] = []) {
    self.prompt = prompt
    self.images = images
  }
}

/// What happens during an answer, in order.
public enum GenerationEvent: Sendable {
  /// A picture was looked at (or its features were found in the cache).
  case looked(index: Int, tokens: Int, seconds: Double, cached: Bool)
  /// The prompt was run: its tokens, how many of them were in the cache already.
  case prefilled(tokens: Int, reused: Int, seconds: Double)
  /// A token and the text that it completes; the text is empty in the middle of a character or of a stop string.
  case token(id: Int32, text: String)
  case finished(GenerationResult)
}

/// A finished answer.
public struct GenerationResult: Sendable {
  public enum FinishReason: String, Sendable { case stop, length }
  public var text = ""
  public var prompt = ""
  public var inputIDs: [Int32] = []
  public var generatedIDs: [Int32] = []
  public var finishReason = FinishReason.length
  /// Places that the answer names, in the last picture of the request.
  public var places = RegionReading()
  public var lookSeconds = 0.0
  public var prefillSeconds = 0.0
  public var decodeSeconds = 0.0
  public var promptTokens = 0
  public var reusedTokens = 0
  /// Tokens that were guessed ahead, and how many of the guesses held.
  public var guessedTokens = 0
  public var acceptedTokens = 0
  public var arenaBytes = 0
  public var cacheBytes = 0
  public init() {}
}

public import AviaryTensor
import Dispatch
import Synchronization

/// Answers requests on a loaded model: an asynchronous sequence of events per request, cancellable at any moment, also
/// inside the encode of a picture and inside prefill. Requests run one after another on a thread of the engine's own.
public final class Engine: Sendable {
  public let loaded: LoadedModel
  private let generator: Generator
  private let queue = DispatchQueue(label: "aviary.engine")
  private let features: FeatureCache
  private let options: Options

  public struct Options: Sendable {
    /// Rows of the cache; nil takes what the request needs, up to the model's own context.
    public var context: Int?
    public var kv: DType = .f32
    public var limits = Limits.standard
    public init() {}
  }

  public init(_ loaded: LoadedModel, _ options: Options = Options()) throws(AviaryError) {
    self.loaded = loaded
    self.options = options
    features = FeatureCache()
    generator = try Generator(loaded, features: features, limits: options.limits)
  }

  /// A conversation whose turns share one cache.
  public final class Conversation: Sendable {
    fileprivate let state = Mutex<Held>(Held())
    public init() {}
  }

  /// The sequence of a conversation; touched only on the engine's queue.
  fileprivate struct Held: @unchecked Sendable {
    var sequence: TokenSequence?
  }

  /// Starts an answer. Ending the iteration early, or its task, cancels the work without an error; setting `cancel` ends
  /// the sequence with `.cancelled`.
  public func generate(
    _ request: GenerationRequest, in conversation: Conversation = Conversation(), cancel: CancellationFlag = CancellationFlag()
  ) -> AsyncThrowingStream<GenerationEvent, any Error> {
    return AsyncThrowingStream { continuation in
      continuation.onTermination = { if case .cancelled = $0 { cancel.cancel() } }
      queue.async { [self] in
        do throws(AviaryError) {
          _ = try answer(request, conversation, cancel) { continuation.yield($0) }
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }

  private func answer(_ request: GenerationRequest, _ conversation: Conversation, _ cancel: CancellationFlag, _ event: (GenerationEvent) -> Void) throws(AviaryError) -> GenerationResult {
    let prepared = try generator.prepare(request)
    // An answer of no tokens has a place for one: what the prompt leads to is computed all the same.
    let needed = prepared.prompt.count + max(request.maxTokens, 1)
    let trained = loaded.model.language.contextLength
    let context = min(options.context ?? needed, trained)
    guard prepared.prompt.count < context else {
      throw AviaryError(
        .request, "the prompt has \(prepared.prompt.account)",
        wanted: "fewer than the context of \(context)\(context == trained ? ", the model's own" : "")")
    }
    // Taken out while it runs: a conversation that two engines share never runs in both.
    let held = conversation.state.withLock { state in
      defer { state.sequence = nil }
      return state
    }
    let sequence: TokenSequence
    if let kept = held.sequence, kept.loaded === loaded, kept.cache.capacity >= min(needed, context) {
      sequence = kept
    } else {
      // Turns to come need room too; pages that are never written cost nothing.
      let capacity = options.context.map { min($0, trained) } ?? min(trained, max(2 * needed, 1024))
      sequence = try TokenSequence(loaded, capacity: capacity, kv: options.kv)
    }
    sequence.cancel = cancel
    let used = Held(sequence: sequence)
    defer { conversation.state.withLock { $0 = used } }
    return try generator.run(request, prepared, on: sequence, event: event)
  }
}

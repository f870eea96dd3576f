public import AviaryTensor
import Dispatch
import Synchronization

/// Answers requests on a loaded model: an asynchronous sequence of events per request, cancellable at any moment, also
/// inside the encode of a picture and inside prefill. Requests run on a thread of the engine's own, one after another or
/// (`Options.parallel`) several in common steps.
public final class Engine: Sendable {
  public let loaded: LoadedModel
  private let generator: Generator
  private let queue = DispatchQueue(label: "aviary.engine")
  private let features: FeatureCache
  private let options: Options
  private let batch: Batch?

  public struct Options: Sendable {
    /// Rows of the cache; nil takes what the request needs, up to the model's own context.
    public var context: Int?
    public var kv: DType = .f32
    public var limits = Limits.standard
    /// Requests that run at the same time, in common steps. With more than one, each has `context` rows (the model's own, at
    /// most 4096, where that is nil), what prompts have in common is computed once, and conversations need no object to share
    /// it. Models with cross-attention to pictures run one request after another whatever stands here.
    public var parallel = 1
    public init() {}
  }

  /// Touched only on the engine's queue.
  private final class Batch: @unchecked Sendable {
    let batcher: Batcher
    let capacity: Int
    var isRunning = false

    init(_ generator: Generator, _ options: Options) throws(AviaryError) {
      let trained = generator.loaded.model.language.contextLength
      capacity = min(options.context ?? min(trained, 4096), trained)
      batcher = try Batcher(generator, slots: options.parallel, capacity: capacity, kv: options.kv)
    }
  }

  public init(_ loaded: LoadedModel, _ options: Options = Options()) throws(AviaryError) {
    self.loaded = loaded
    self.options = options
    features = FeatureCache()
    generator = try Generator(loaded, features: features, limits: options.limits)
    guard (1...256).contains(options.parallel) else {
      throw AviaryError(.config, "\(options.parallel) requests at the same time", wanted: "1...256", at: "parallel")
    }
    batch = options.parallel > 1 && loaded.model.media == nil ? try Batch(generator, options) : nil
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
      if let batch {
        queue.async { [self] in enter(request, batch, cancel, continuation) }
        return
      }
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
    try check(prepared.prompt, context)
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

  private func check(_ prompt: TokenizedPrompt, _ context: Int) throws(AviaryError) {
    guard prompt.count < context else {
      throw AviaryError(
        .request, "the prompt has \(prompt.account)",
        wanted: "fewer than the context of \(context)\(context == loaded.model.language.contextLength ? ", the model's own" : "")")
    }
  }

  // MARK: Several at the same time

  private func enter(
    _ request: GenerationRequest, _ batch: Batch, _ cancel: CancellationFlag, _ continuation: AsyncThrowingStream<GenerationEvent, any Error>.Continuation
  ) {
    do throws(AviaryError) {
      let prepared = try generator.prepare(request)
      try check(prepared.prompt, batch.capacity)
      batch.batcher.add(
        BatchJob(request, prepared, generator, cancel: cancel, event: { continuation.yield($0) }) { outcome in
          switch outcome {
          case .success: continuation.finish()
          case .failure(let error): continuation.finish(throwing: error)
          }
        })
    } catch { return continuation.finish(throwing: error) }
    guard !batch.isRunning else { return }
    batch.isRunning = true
    turn(batch)
  }

  /// One step, and the next behind whatever has come in the meantime.
  private func turn(_ batch: Batch) {
    queue.async { [self] in
      batch.batcher.advance()
      if batch.batcher.isIdle { batch.isRunning = false } else { turn(batch) }
    }
  }
}

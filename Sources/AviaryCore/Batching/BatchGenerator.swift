public import AviaryTensor

/// Answers many requests in common steps, for callers that have them all at hand; each answer is the one that its request gets alone.
/// Models with cross-attention to pictures answer one request after another.
///
/// Not Sendable: one thread at a time, as a `Generator`.
public final class BatchGenerator {
  private let generator: Generator
  private let slots: Int
  /// Kept from call to call: its plans serve again, and its slots hold beginnings that later prompts may share.
  private var batcher: Batcher?
  private var capacity = 0

  /// - Parameter slots: requests that run at the same time, 1...256.
  public init(_ generator: Generator, slots: Int) throws(AviaryError) {
    guard (1...256).contains(slots) else { throw AviaryError(.config, "\(slots) requests at the same time", wanted: "1...256", at: "batch") }
    (self.generator, self.slots) = (generator, slots)
  }

  /// - Parameter done: called behind each step with the number of requests that are answered.
  /// - Returns: in the order of the requests, what each came to.
  public func answers(_ requests: [GenerationRequest], done: (Int) -> Void = { _ in }) -> [Result<GenerationResult, AviaryError>] {
    var answered: [Int: Result<GenerationResult, AviaryError>] = [:]
    var prepared: [(index: Int, prepared: (prompt: TokenizedPrompt, images: [PreparedImage]))] = []
    for (index, request) in requests.enumerated() {
      do throws(AviaryError) { prepared.append((index, try generator.prepare(request))) } catch { answered[index] = .failure(error) }
    }
    // One more than is needed: an answer ends by its own limit and not by the cache's.
    let needed = prepared.map { $0.prepared.prompt.count + max(requests[$0.index].maxTokens, 1) + 1 }.max() ?? 0
    if slots > 1, generator.loaded.model.media == nil {
      together(requests, prepared, needed, &answered, done)
    } else {
      for (index, prepared) in prepared {
        do throws(AviaryError) {
          let sequence = try TokenSequence(generator.loaded, capacity: prepared.prompt.count + max(requests[index].maxTokens, 1) + 1)
          answered[index] = .success(try generator.run(requests[index], prepared, on: sequence) { _ in })
        } catch { answered[index] = .failure(error) }
        done(answered.count)
      }
    }
    return requests.indices.map { answered[$0] ?? .failure(AviaryError(.internal, "a request that was never answered")) }
  }

  private func together(
    _ requests: [GenerationRequest], _ prepared: [(index: Int, prepared: (prompt: TokenizedPrompt, images: [PreparedImage]))], _ needed: Int,
    _ answered: inout [Int: Result<GenerationResult, AviaryError>], _ done: (Int) -> Void
  ) {
    do throws(AviaryError) {
      let batcher = try batcher(holding: needed)
      let finished = Finished()
      for (index, prepared) in prepared {
        batcher.add(BatchJob(requests[index], prepared, generator, cancel: CancellationFlag(), event: { _ in }) { finished.results[index] = $0 })
      }
      while !batcher.isIdle {
        batcher.advance()
        done(answered.count + finished.results.count)
      }
      answered.merge(finished.results) { $1 }
    } catch {
      for (index, _) in prepared { answered[index] = .failure(error) }
    }
  }

  private final class Finished { var results: [Int: Result<GenerationResult, AviaryError>] = [:] }

  private func batcher(holding rows: Int) throws(AviaryError) -> Batcher {
    if let batcher, rows <= capacity { return batcher }
    // Room for prompts that are somewhat longer, so that not every call makes a new cache.
    capacity = (rows + rows / 4 + 63) / 64 * 64
    let made = try Batcher(generator, slots: slots, capacity: capacity, kv: .f32)
    batcher = made
    return made
  }
}

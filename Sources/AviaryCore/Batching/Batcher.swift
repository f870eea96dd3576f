import AviaryTensor

/// Serves many requests in common steps: each step takes a token of every answer that is being written, and a piece of the prompts
/// that wait. A prompt that begins like another, running or done, takes those rows from it.
///
/// Not Sendable: the engine confines it to its own thread.
final class Batcher {
  private let generator: Generator
  private let pool: SequencePool
  private var waiting: [BatchJob] = []
  private var active: [BatchJob] = []

  /// Prompt rows in a step that writes nothing, and in one that does: answers in progress shall not stand still for long.
  private let (chunk, chunkBeside) = (512, 64)

  init(_ generator: Generator, slots: Int, capacity: Int, kv: DType) throws(AviaryError) {
    self.generator = generator
    pool = try SequencePool(generator.loaded, slots: slots, capacity: capacity, kv: kv)
  }

  var isIdle: Bool { waiting.isEmpty && active.isEmpty }
  func add(_ job: BatchJob) { waiting.append(job) }

  /// Begins what there is a slot for, and runs one step.
  func advance() {
    let cancelled = Result<GenerationResult, AviaryError>.failure(AviaryError(.cancelled, "the request was cancelled"))
    Self.end(&waiting) { $0.cancel.isCancelled ? cancelled : nil }
    Self.end(&active) { $0.cancel.isCancelled ? cancelled : nil }
    while !waiting.isEmpty, active.count < pool.slots { begin(waiting.removeFirst()) }
    let work = compose()
    guard !work.isEmpty else { return }
    // One request alone can be cancelled inside a step; several are between steps.
    pool.runner.cancel = active.count == 1 ? active[0].cancel : CancellationFlag()
    do throws(AviaryError) {
      let logits = try pool.step(work.map(\.part), regime: work[0].job.regime)
      for (entry, logits) in zip(work, logits) { entry.job.advanced(entry.part.count, logits) }
    } catch {
      let failure = error
      Self.end(&active) { job in work.contains { $0.job === job } ? .failure(failure) : nil }
    }
    Self.end(&active) { $0.outcome(full: pool.rows[$0.slot].count >= pool.cache.capacity, pool) }
  }

  /// Ends the jobs that have an outcome.
  private static func end(_ jobs: inout [BatchJob], _ outcome: (BatchJob) -> Result<GenerationResult, AviaryError>?) {
    jobs = jobs.filter { job in
      guard let outcome = outcome(job) else { return true }
      job.finish(outcome)
      return false
    }
  }

  // MARK: Beginning

  /// Looks at the pictures, embeds the prompt and takes a slot; what fails ends this request alone.
  private func begin(_ job: BatchJob) {
    do throws(AviaryError) {
      pool.runner.cancel = job.cancel
      try job.look(generator, pool)
    } catch { return job.finish(.failure(error)) }
    // The slot that loses least by it; among equals the first, so that slots in use stay neighbours.
    let free = (0..<pool.slots).filter { slot in !active.contains { $0.slot == slot } }
    func lost(_ slot: Int) -> Int { pool.rows[slot].count - shared(job, slot) }
    job.slot = free.min { (lost($0), -shared(job, $0)) < (lost($1), -shared(job, $1)) } ?? 0
    pool.truncate(job.slot, to: shared(job, job.slot))
    job.reused = pool.rows[job.slot].count
    active.append(job)
  }

  /// Rows that a slot holds of a job's prompt; the last is always run, for its logits.
  private func shared(_ job: BatchJob, _ slot: Int) -> Int {
    min(pool.shared(slot, with: job.rows, regime: job.regime), job.rows.count - 1)
  }

  /// Takes rows that another slot has from it. False where a request before this one is about to compute rows that both need.
  private func takeShared(_ job: BatchJob, _ place: Int) throws(AviaryError) -> Bool {
    guard !job.hasStarted else { return true }
    let slots = (0..<pool.slots).map { (slot: $0, rows: shared(job, $0)) }
    guard let best = slots.max(by: { $0.rows < $1.rows }) else { return true }
    for (index, other) in active.enumerated() where other.isReading && other.regime == job.regime && (other.hasStarted || index < place) && other !== job {
      let planned = min(CachedRow.shared(other.rows, job.rows), job.rows.count - 1)
      if planned > best.rows, pool.rows[other.slot].count < planned { return false }
    }
    if best.rows > job.reused {
      try pool.copy(best.rows, from: best.slot, to: job.slot)
      job.reused = best.rows
    }
    job.hasStarted = true
    return true
  }

  // MARK: A step

  private typealias Entry = (job: BatchJob, part: SequencePool.Work)

  /// Tokens of all answers, then pieces of prompts in the order in which they came. Positions of one kind only: what is encoded otherwise
  /// waits for a step of its own.
  private func compose() -> [Entry] {
    let writing = active.filter { !$0.isReading }.sorted { $0.slot < $1.slot }
    guard let first = writing.first ?? active.first else { return [] }
    var work: [Entry] = []
    for job in writing where job.regime == first.regime {
      if let token = job.token { work.append((job, SequencePool.Work(slot: job.slot, rows: .token(token), wantsLogits: true))) }
    }
    var room = work.isEmpty ? chunk : chunkBeside
    for (place, job) in active.enumerated() where job.isReading && job.regime == first.regime && room > 0 {
      do throws(AviaryError) {
        guard try takeShared(job, place) else { continue }
      } catch {
        job.fail(error)
        continue
      }
      let start = pool.rows[job.slot].count
      let end = min(start + room, job.rows.count)
      room -= end - start
      let width = pool.loaded.model.language.width
      work.append(
        (
          job,
          SequencePool.Work(
            slot: job.slot, rows: .prompt(job.embedded[start * width..<end * width], job.rows[start..<end]), wantsLogits: end == job.rows.count)
        ))
    }
    return work
  }
}

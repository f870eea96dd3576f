import AviaryCore
import AviaryMedia
import AviaryTensor
import AviaryTrain
import Foundation
import Synchronization

/// Prepares batches on another thread while the last one is trained on, in an order that follows from seed and position.
final class BatchFeed: Sendable {
  private let files: [DataFile]
  private let maker: SampleMaker
  private let processor: any Processor
  private let size: Int
  private let skipsBad: Bool
  /// Batches that are drawn at once and dealt out by length, so that little is padded; 1 where each is as drawn.
  private let pool: Int
  private let seed: UInt64
  private let queue = Mutex(Queue())
  private let ready = DispatchSemaphore(value: 0)
  /// Raised to the number of batches held at once by hand: a semaphore must not end below the value that it began with.
  private let room = DispatchSemaphore(value: 0)

  private struct Queue {
    var batches: [Result<[TrainingSample], AviaryError>] = []
    var isStopped = false
  }

  /// - Parameters:
  ///   - size: samples of a batch.
  ///   - skip: samples that have been trained on already.
  ///   - groupsByLength: samples of about the same length share a batch.
  ///   - skipsBad: a line that cannot be used gives its place to the next one.
  init(
    _ files: [DataFile], _ mixture: Mixture, _ maker: SampleMaker, _ processor: any Processor, size: Int, skip: Int, groupsByLength: Bool, seed: UInt64,
    skipsBad: Bool
  ) {
    (self.files, self.maker, self.processor, self.size, self.skipsBad) = (files, maker, processor, size, skipsBad)
    (pool, self.seed) = (groupsByLength ? 8 : 1, seed)
    for _ in 0..<3 { room.signal() }
    Thread.detachNewThread { [self] in run(mixture, skip: skip / size) }
  }

  private func run(_ start: Mixture, skip: Int) {
    var mixture = start
    var round = skip / pool
    mixture.skip(round * pool * size)
    // A run that goes on within a round draws all of it, and leaves out what has been seen.
    var seen = skip % pool
    while true {
      let batches: [Result<[TrainingSample], AviaryError>]
      do throws(AviaryError) { batches = try self.round(&mixture, round).map { .success($0) } } catch { batches = [.failure(error)] }
      if batches.isEmpty { return }
      for batch in batches.dropFirst(batches.count > 1 ? seen : 0) {
        room.wait()
        if queue.withLock({ $0.isStopped }) { return }
        queue.withLock { $0.batches.append(batch) }
        ready.signal()
      }
      seen = 0
      round += 1
    }
  }

  /// The batches of a round: drawn together, sorted by length, in an order by the seed.
  private func round(_ mixture: inout Mixture, _ number: Int) throws(AviaryError) -> [[TrainingSample]] {
    var samples: [TrainingSample] = []
    for _ in 0..<size * pool {
      if queue.withLock({ $0.isStopped }) { return [] }
      let (part, line, pass) = mixture.next()
      samples.append(try usable(files[part], line, pass))
    }
    guard pool > 1 else { return [samples] }
    let byLength = samples.enumerated().sorted { ($0.element.count, $0.offset) < ($1.element.count, $1.offset) }.map(\.element)
    var random = SplitMix64(seed: seed &+ UInt64(number) &* 0x9E37_79B9_7F4A_7C15)
    return (0..<pool).map { Array(byLength[$0 * size..<($0 + 1) * size]) }.shuffled(using: &random)
  }

  /// The next batch; waits for it.
  func next() throws(AviaryError) -> [TrainingSample] {
    ready.wait()
    defer { room.signal() }
    return try queue.withLock { $0.batches.removeFirst() }.get()
  }

  func stop() {
    queue.withLock { $0.isStopped = true }
    room.signal()
  }

  private func usable(_ file: DataFile, _ line: Int, _ pass: Int) throws(AviaryError) -> TrainingSample {
    var line = line
    for _ in 0..<file.count - 1 where skipsBad {
      if let sample = try? Self.sample(file, line, pass, maker, processor) { return sample }
      line = (line + 1) % file.count
    }
    return try Self.sample(file, line, pass, maker, processor)
  }

  static func sample(_ file: DataFile, _ line: Int, _ pass: Int, _ maker: SampleMaker, _ processor: any Processor) throws(AviaryError) -> TrainingSample {
    do throws(AviaryError) {
      let conversation = try file.conversation(line, pass: pass)
      var images: [PreparedImage] = []
      for path in conversation.images { images.append(try processor.prepare(try image(path, file.imageFolder))) }
      return try maker.sample(conversation, images)
    } catch { throw error.at(file.place(line)) }
  }

  static func image(_ path: String, _ folder: String) throws(AviaryError) -> PixelImage {
    if DataURL.matches(path) { return try ImageDecoder.decode(try DataURL.bytes(path, limits: .standard), limits: .standard, name: "data URL") }
    return try ImageFile.load(DataFile.imagePath(folder, path), limits: .standard)
  }
}

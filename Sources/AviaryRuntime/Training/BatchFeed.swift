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
  ///   - skipsBad: a line that cannot be used gives its place to the next one.
  init(_ files: [DataFile], _ mixture: Mixture, _ maker: SampleMaker, _ processor: any Processor, size: Int, skip: Int, skipsBad: Bool) {
    (self.files, self.maker, self.processor, self.size, self.skipsBad) = (files, maker, processor, size, skipsBad)
    var mixture = mixture
    mixture.skip(skip)
    let start = mixture
    for _ in 0..<3 { room.signal() }
    Thread.detachNewThread { [self] in run(start) }
  }

  private func run(_ start: Mixture) {
    var mixture = start
    while true {
      room.wait()
      if queue.withLock({ $0.isStopped }) { return }
      var batch: Result<[TrainingSample], AviaryError> = .success([])
      do throws(AviaryError) {
        var samples: [TrainingSample] = []
        for _ in 0..<size {
          let (part, line, pass) = mixture.next()
          samples.append(try usable(files[part], line, pass))
        }
        batch = .success(samples)
      } catch { batch = .failure(error) }
      queue.withLock { $0.batches.append(batch) }
      ready.signal()
    }
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

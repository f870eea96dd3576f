import AviaryTensor
import Dispatch
import Synchronization

/// Checks the lines of a data set on all cores: a million take half a minute on one.
struct LineChecks {
  /// Lines that a core checks before it takes others.
  private static let part = 1024

  /// Otherwise nothing behind a bad line needs to be looked at.
  let isThorough: Bool

  /// - Parameters:
  ///   - pictures: what a line, by its index, shows.
  ///   - picture: checks one picture of a line; not asked again where the line before had the same.
  /// - Returns: the pictures of each line, or what is wrong with it; where checks are not thorough, lines behind the first bad one may have neither.
  func callAsFunction(
    _ count: Int, pictures: @Sendable (Int) throws(AviaryError) -> [String], picture: @Sendable (String, Int) throws(AviaryError) -> Void
  ) -> [Result<[String], AviaryError>] {
    let firstBad = Atomic(Int.max)
    var results = [Result<[String], AviaryError>](repeating: .success([]), count: count)
    results.withUnsafeMutableBufferPointer { buffer in
      // Each part writes to places of its own.
      nonisolated(unsafe) let buffer = buffer
      DispatchQueue.concurrentPerform(iterations: (count + Self.part - 1) / Self.part) { part in
        var known: [String] = []
        for index in part * Self.part..<min(count, (part + 1) * Self.part) {
          if !isThorough, firstBad.load(ordering: .relaxed) < index { return }
          do throws(AviaryError) {
            let images = try pictures(index)
            if images != known { for image in images { try picture(image, index) } }
            known = images
            buffer[index] = .success(images)
          } catch {
            buffer[index] = .failure(error)
            firstBad.min(index, ordering: .relaxed)
          }
        }
      }
    }
    return results
  }
}

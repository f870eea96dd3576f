import AviaryTensor
import Glibc

/// A file that appears under its name only when it is complete: written beside it, then renamed.
final class AtomicFile {
  private let path: String
  private let temporary: String
  private var descriptor: Int32

  /// - Throws: `.file` where the folder cannot be written to.
  init(path: String) throws(AviaryError) {
    let name = FileSystem.lastComponent(path)
    let tag = String(UInt64.random(in: .min ... .max), radix: 36)
    self.path = path
    temporary = FileSystem.join(FileSystem.parent(path), ".\(name).\(tag).tmp")
    guard !path.utf8.contains(0), FileSystem.kind(path) != .folder else {
      throw AviaryError(.file, "it cannot be written", wanted: "the path of a file", at: name)
    }
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw AviaryError(.file, "it cannot be written", wanted: "a writable folder", at: name)
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(AviaryError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw failure() }
      rest = rest.dropFirst(written)
    }
  }

  /// Puts the file in its place.
  func finish() throws(AviaryError) {
    let synced = fsync(descriptor) == 0
    let closed = close(descriptor) == 0
    descriptor = -1
    guard synced, closed, rename(temporary, path) == 0 else {
      let error = failure()
      unlink(temporary)
      throw error
    }
  }

  private func failure() -> AviaryError {
    let reason = errno == ENOSPC || errno == EDQUOT ? "the disk is full" : "writing failed"
    return AviaryError(.file, reason, at: FileSystem.lastComponent(path))
  }

  deinit {
    // Not finished: nothing remains.
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary)
  }
}

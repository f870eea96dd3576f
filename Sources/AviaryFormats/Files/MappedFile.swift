public import AviaryCore
public import AviaryTensor
import CMappingShim
import Glibc

/// A regular file mapped read-only into memory: its bytes cost address space, and pages are read when they are touched.
///
/// The size is taken once, at opening, and everything is checked against it. Where another program shortens the file while
/// it is mapped, zeros are read behind its new end and `checkIntact` throws from then on. Replace model files by renaming, as
/// every downloader does.
public final class MappedFile: Pages, @unchecked Sendable {
  // Sendable: the bytes are mapped read-only and stay where they are until deinit.
  public let bytes: UnsafeRawBufferPointer
  public let name: String
  private let watch: Int32

  /// Maps a file. Folders, pipes and devices are refused without blocking; an empty file has an empty buffer.
  ///
  /// - Throws: `.file` where there is no such regular file or it may not be read, `.memory` where it cannot be mapped.
  public init(path: String) throws(AviaryError) {
    name = FileSystem.lastComponent(path)
    guard !path.utf8.contains(0) else {
      throw AviaryError(.file, "the path holds a NUL character", at: quoted(name))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw MappedFile.openingError(errno).at(name) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw AviaryError(.file, MappedFile.describe(status.st_mode), wanted: "a regular file", at: name)
    }
    let size = Int(status.st_size)
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      watch = -1
      return
    }
    guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
      throw AviaryError(.memory, "\(size) bytes cannot be mapped into memory", at: name)
    }
    bytes = UnsafeRawBufferPointer(start: address, count: size)
    watch = aviary_mapping_watch(address, size)
  }

  public func checkIntact() throws(AviaryError) {
    guard !aviary_mapping_is_broken(watch) else {
      throw AviaryError(
        .file, "the file became shorter while it was in use", wanted: "the \(bytes.count) bytes that it had when it was opened", at: name)
    }
  }

  deinit {
    aviary_mapping_forget(watch)
    if let address = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: address), bytes.count) }
  }

  private static func openingError(_ code: Int32) -> AviaryError {
    switch code {
    case ENOENT, ENOTDIR: AviaryError(.file, "there is no such file")
    case EACCES, EPERM: AviaryError(.file, "the file may not be read", wanted: "read permission")
    case ELOOP: AviaryError(.file, "its symbolic links lead in a circle")
    case ENAMETOOLONG: AviaryError(.file, "the file name is too long")
    case EMFILE, ENFILE: AviaryError(.file, "too many files are open")
    // Opening a socket, or a device without a driver, ends here.
    case ENXIO, ENODEV: AviaryError(.file, "it is a socket or a device", wanted: "a regular file")
    default: AviaryError(.file, "the file cannot be opened (system error \(code))")
    }
  }

  private static func describe(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "it is a folder"
    case S_IFIFO: "it is a named pipe"
    case S_IFCHR, S_IFBLK: "it is a device"
    default: "it is not a regular file"
    }
  }
}

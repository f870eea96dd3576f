public import AviaryCore
public import AviaryTensor

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// Pictures in files.
public enum ImageFile {
  /// The picture in a regular file.
  ///
  /// The size is checked before anything is read; pipes, directories and devices are refused without waiting on them.
  /// Errors name the file without its folder.
  public static func load(_ path: String, limits: Limits = .standard) throws(AviaryError) -> PixelImage {
    let name = path.split(separator: "/").last.map(String.init) ?? "image"
    return try ImageDecoder.decode(try bytes(path, name, limits), limits: limits, name: name)
  }

  private static func bytes(_ path: String, _ name: String, _ limits: Limits) throws(AviaryError) -> [UInt8] {
    guard !path.utf8.contains(0) else { throw AviaryError(.file, "the path holds a zero byte", at: name) }
    let file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    guard file >= 0 else {
      throw AviaryError(.file, errno == ENOENT ? "there is no such file" : "the file cannot be opened", at: name)
    }
    defer { close(file) }
    var facts = stat()
    guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
      throw AviaryError(.file, "this is no regular file", wanted: "a picture file", at: name)
    }
    guard facts.st_size <= limits.imageFileBytes, let size = Int(exactly: facts.st_size) else {
      throw AviaryError(.limit, "the file has \(facts.st_size) bytes", wanted: "at most \(limits.imageFileBytes)", at: name)
    }
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { room, filled in
      while filled < size {
        let count = read(file, room.baseAddress.map { $0 + filled }, size - filled)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          failed = count < 0
          return
        }
        filled += count
      }
    }
    if failed { throw AviaryError(.file, "the file cannot be read", at: name) }
    return bytes
  }
}

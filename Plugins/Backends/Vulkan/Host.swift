#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What the host says of itself.
enum Host {
  static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
  static let memoryBytes = Int(sysconf(Int32(_SC_PHYS_PAGES))) * pageBytes

  static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Where programs keep what they can make again, as the XDG base directory specification has it; nil without a home.
  static var cacheFolder: String? { environment("XDG_CACHE_HOME") ?? environment("HOME").map { $0 + "/.cache" } }

  static func read(_ path: String) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_size >= 0, status.st_size <= 1 << 30 else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = Glibc.read(file, &bytes, bytes.count)
    return count == bytes.count ? bytes : nil
  }

  /// Writes a file as a whole or not at all, with its folder; whether that could be done.
  static func write(_ bytes: [UInt8], to path: String) -> Bool {
    var made = ""
    for part in path.split(separator: "/").dropLast() {
      made += "/" + part
      mkdir(made, 0o700)
    }
    let temporary = "\(path).\(getpid())"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return false }
    let count = Glibc.write(file, bytes, bytes.count)
    close(file)
    if count == bytes.count, rename(temporary, path) == 0 { return true }
    unlink(temporary)
    return false
  }

  static func warn(_ text: String) {
    let line = Array("vulkan: \(text)\n".utf8)
    _ = Glibc.write(2, line, line.count)
  }
}

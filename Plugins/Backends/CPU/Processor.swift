#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the system calls the processor.
enum Processor {
  static let name: String = {
    guard let file = fopen("/proc/cpuinfo", "r") else { return "processor" }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 512)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard text.hasPrefix("model name"), let colon = text.firstIndex(of: ":") else { continue }
      return String(text[text.index(after: colon)...].drop { $0 == " " }.prefix { $0 != "\n" })
    }
    return "processor"
  }()
}

import Foundation

/// The two streams of a terminal program: answers on stdout, all else on stderr.
enum Console {
  static let isTerminal = isatty(2) == 1

  static func print(_ text: String, terminator: String = "\n") { write(text + terminator, to: .standardOutput) }
  static func error(_ text: String, terminator: String = "\n") { write(text + terminator, to: .standardError) }

  /// A line of progress that the next one replaces; on a terminal only.
  static func progress(_ text: String) {
    guard isTerminal else { return }
    error("\r\u{1B}[K\(text)", terminator: "")
  }

  static func clearProgress() {
    guard isTerminal else { return }
    error("\r\u{1B}[K", terminator: "")
  }

  private static func write(_ text: String, to handle: FileHandle) {
    // A closed pipe ends the program by SIGPIPE, as it does for every other tool.
    try? handle.write(contentsOf: Data(text.utf8))
  }
}

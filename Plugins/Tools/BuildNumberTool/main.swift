import Foundation

// Arguments: the file to write, the compiler, then the sources that count. See Plugins/Tools/BuildNumber.
let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count > 2 else { exit(2) }

/// FNV-1a (Fowler, Noll, Vo), 64 bits.
var number: UInt64 = 0xcbf2_9ce4_8422_2325
for path in arguments[2...] {
  let text = try String(contentsOfFile: path, encoding: .utf8)
  // What cannot change how anything lies in memory does not count: indentation, blank lines, comments of a whole line.
  for line in text.split(separator: "\n") {
    let code = line.trimmingCharacters(in: .whitespaces)
    if code.isEmpty || code.hasPrefix("//") { continue }
    for byte in code.utf8 + [10] { number = (number ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }
}

/// "Swift version 6.3.1 (swift-6.3.1-RELEASE)" -> "6.3.1"
func compilerVersion(_ path: String) throws -> String {
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = ["--version"]
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  guard let start = text.range(of: "Swift version ") else { return "unknown" }
  return String(text[start.upperBound...].prefix { $0 != " " && $0 != "\n" })
}

let hex = String(number, radix: 16)
let padded = String(repeating: "0", count: 16 - hex.count) + hex
let text = """
  // Written from the sources of the core by the BuildNumber plugin.

  /// Which build this is, for code that is compiled against it and loaded into it.
  public enum BuildNumber {
    /// A hash of the code of all modules that a plugin may import. Another number means that types may lie in memory in
    /// another way.
    public static let value: UInt64 = 0x\(padded)
    /// The compiler's version: "6.3.1".
    public static let compiler = "\(try compilerVersion(arguments[1]))"
    /// Its name says the number, so that code made for this build does not compile against the modules of another.
    public enum Of_\(padded) {}
  }

  """
// Written only when it changes, so that nothing is rebuilt without need.
if (try? String(contentsOfFile: arguments[0], encoding: .utf8)) != text {
  try text.write(toFile: arguments[0], atomically: true, encoding: .utf8)
}

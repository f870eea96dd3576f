import Foundation

// Arguments: the file to write, the folder of includes, then the shaders. See Plugins/Tools/Shaders.
let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 2 else { exit(2) }
// Words as hexadecimal text: a literal of numbers of that length takes the Swift compiler many seconds.
var lines = ["// Written from Shaders/*.comp by the Shaders plugin.", "extension ShaderLibrary {", "  static let words: [(name: String, hex: StaticString)] = ["]
for path in arguments.dropFirst(2) {
  do {
    let words = try Compiler.compile(Source(path, includes: arguments[1]).text)
    let name = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
    let hex = words.map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 8 - digits.count) + digits
    }
    lines.append("    (\"\(name)\", \"\(hex.joined())\"),")
  } catch let error as ShaderError {
    let text = Compiler.readable(error.text)
    FileHandle.standardError.write(Data("\(text.isEmpty ? "\(path):1:1: error: \(error.text)" : text)\n".utf8))
    exit(1)
  } catch {
    FileHandle.standardError.write(Data("\(path):1:1: error: \(error)\n".utf8))
    exit(1)
  }
}
lines += ["  ]", "}", ""]
let text = lines.joined(separator: "\n")
if (try? String(contentsOfFile: arguments[0], encoding: .utf8)) != text {
  try text.write(toFile: arguments[0], atomically: true, encoding: .utf8)
}

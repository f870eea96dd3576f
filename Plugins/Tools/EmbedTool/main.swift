import Foundation

// Arguments: the file to write, the type's name, then pairs of a constant's name and a text's file. See Plugins/Tools/ExampleFamily.
let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count > 3, arguments.count.isMultiple(of: 2) else { exit(2) }
var text = "// Written from the files that it names by the \(arguments[1]) plugin.\n\n/// Files as they were when this was built.\nenum \(arguments[1]) {\n"
for pair in stride(from: 2, to: arguments.count, by: 2) {
  let file = URL(fileURLWithPath: arguments[pair + 1])
  let content = try String(contentsOf: file, encoding: .utf8)
  guard !content.contains("\"\"\"##") else { exit(3) }
  text += "  /// \(file.lastPathComponent)\n  static let \(arguments[pair]) = ##\"\"\"\n\(content)\n\"\"\"##\n"
}
text += "}\n"
// Written only when it changes, so that nothing is rebuilt without need.
if (try? String(contentsOfFile: arguments[0], encoding: .utf8)) != text {
  try text.write(toFile: arguments[0], atomically: true, encoding: .utf8)
}

import Foundation

// Arguments: the file to write, then the names of the families. See Plugins/Tools/Registry.
let arguments = CommandLine.arguments.dropFirst()
guard let output = arguments.first else { exit(2) }
let types = arguments.dropFirst().map { "    \($0).self," }.joined(separator: "\n")
let text = """
  // Written from the folders of Plugins/Architectures by the Registry plugin.
  public import AviaryCore

  /// Every model family of this build.
  public enum Architectures {
    public static let all: [any Architecture.Type] = [
  \(types)
    ]
  }

  """
// Written only when it changes, so that nothing is rebuilt without need.
if (try? String(contentsOfFile: output, encoding: .utf8)) != text {
  try text.write(toFile: output, atomically: true, encoding: .utf8)
}

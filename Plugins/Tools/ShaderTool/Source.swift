import Foundation

/// A shader's text with its includes in place; `#line` keeps the compiler's messages true to the files.
struct Source {
  private(set) var text = ""
  private let folder: String
  private var seen: Set<String> = []

  /// - Parameter folder: where includes are.
  init(_ path: String, includes folder: String) throws {
    self.folder = folder
    try add(path)
  }

  private mutating func add(_ path: String) throws {
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      if line.hasPrefix("#include"), let name = line.split(separator: "\"").dropFirst().first {
        let included = "\(folder)/\(name)"
        if seen.insert(included).inserted {
          text += "#line 1 \"\(included)\"\n"
          try add(included)
        }
        text += "#line \(number + 2) \"\(path)\"\n"
      } else {
        text += line + "\n"
        // Nothing but comments may stand before the version.
        if line.hasPrefix("#version") {
          text += "#extension GL_GOOGLE_cpp_style_line_directive : require\n#line \(number + 2) \"\(path)\"\n"
        }
      }
    }
  }
}

import Foundation

/// The repository that these tests stand in, as text.
enum Repository {
  /// The package's root, without a slash at its end.
  static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  struct File: Sendable, CustomStringConvertible {
    /// From the root: `Sources/AviaryCore/Limits.swift`.
    let path: String
    let text: String
    var description: String { path }
    var lineCount: Int { text.split(separator: "\n", omittingEmptySubsequences: false).count - (text.hasSuffix("\n") ? 1 : 0) }
  }

  /// Text files below some folders, by their endings; what builds leave behind is passed over.
  static func files(below folders: [String], endings: Set<String>) -> [File] {
    var files: [File] = []
    for folder in folders {
      let walk = FileManager.default.enumerator(atPath: "\(root)/\(folder)")
      while let name = walk?.nextObject() as? String {
        let parts = name.split(separator: "/")
        if parts.contains(where: { $0.hasPrefix(".build") }) { continue }
        guard endings.contains(parts.last?.split(separator: ".").dropFirst().last.map(String.init) ?? "") else { continue }
        guard let text = read("\(folder)/\(name)") else { continue }
        files.append(File(path: "\(folder)/\(name)", text: text))
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  static func read(_ path: String) -> String? { try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) }

  /// Swift files of the product.
  static let swift = files(below: ["Sources", "Plugins"], endings: ["swift"])
}

extension String {
  /// All matches of a regular expression, each with its groups.
  func matches(_ pattern: String) -> [[String]] {
    guard let expression = try? NSRegularExpression(pattern: pattern, options: [.anchorsMatchLines]) else { return [["bad pattern"]] }
    let text = self as NSString
    return expression.matches(in: self, range: NSRange(location: 0, length: text.length)).map { match in
      (0..<match.numberOfRanges).map { match.range(at: $0).location == NSNotFound ? "" : text.substring(with: match.range(at: $0)) }
    }
  }
}

import Foundation
import Testing

/// Code in documents: a block that names a file is a part of it, and the blocks of one file are all of it, in order.
enum DocumentedCode {
  /// The text of each file that a document's blocks name (```swift PATH).
  static func files(_ text: String) -> [String: String] {
    var files: [String: [String]] = [:]
    var open: (path: String?, lines: [String])?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      guard line.hasPrefix("```") else {
        open?.lines.append(line)
        continue
      }
      if let block = open {
        if let path = block.path { files[path, default: []].append(block.lines.joined(separator: "\n") + "\n") }
        open = nil
      } else {
        open = (line.split(separator: " ").dropFirst().first.map(String.init), [])
      }
    }
    return files.mapValues { $0.joined(separator: "\n") }
  }
}

struct DocumentTests {
  @Test(arguments: [("docs/adding-a-model.md", 3), ("docs/adding-a-backend.md", 1)])
  func theCodeOfAGuideIsWhatIsCompiled(_ path: String, _ count: Int) throws {
    let files = DocumentedCode.files(try #require(Repository.read(path)))
    #expect(files.count == count)
    for (file, text) in files {
      let compiled = try #require(Repository.read(file), "\(path) names \(file), which is not there")
      #expect(text == compiled, "the blocks of \(path) are not \(file)")
    }
  }

  @Test func aBlockThatDiffersIsFound() {
    let text = "```swift A.swift\na\n```\ntext\n```\nno file\n```\n```swift A.swift\n\nb\n```\n"
    #expect(DocumentedCode.files(text) == ["A.swift": "a\n\n\nb\n"])
  }
}

/// `scripts/repetition` measures what it says.
struct RepetitionTests {
  static func run(_ folders: [String]) throws -> (code: Int32, text: String) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "\(Repository.root)/scripts/repetition")
    process.arguments = folders
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test func familiesDoNotRepeatEachOther() throws {
    let (code, text) = try Self.run([])
    #expect(code == 0, "\(text)")
    #expect(text.contains(" % ("))
  }

  @Test func repetitionIsFound() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "aviary-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let common = (0..<7).map { "let common\($0) = 1" }
    try Data((common + ["let a = 1"]).joined(separator: "\n").utf8).write(to: folder.appending(path: "A.swift"))
    // Indentation and blank lines hide nothing; seven lines of eight and seven of ten are the same.
    try Data((["let b = 0", "", "let c = 2"] + common.map { "  " + $0 + "\n" } + ["let d = 1"]).joined(separator: "\n").utf8)
      .write(to: folder.appending(path: "B.swift"))
    let (code, text) = try Self.run([folder.path])
    #expect(code == 1)
    #expect(text.contains("77.8 % (14 of 18 lines"), "\(text)")
    #expect(text.contains("B.swift:4 as ") && text.contains("A.swift:1\n"), "\(text)")
    try FileManager.default.removeItem(at: folder.appending(path: "B.swift"))
    #expect(try Self.run([folder.path]).code == 0)
  }
}

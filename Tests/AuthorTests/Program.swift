import Foundation
import Testing

/// The built programs as their users call them.
struct Program {
  let name: String
  static let aviary = Program(name: "aviary")
  static let vip = Program(name: "vip")

  /// The build's folder, in which the tests' own program lies.
  static let folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

  struct Outcome {
    let code: Int32
    let output: String
    let errors: String
  }

  /// Runs it to its end.
  ///
  /// - Parameters:
  ///   - folder: the working folder.
  ///   - input: what stands on its stdin.
  func run(_ arguments: [String], in folder: String? = nil, input: String = "") throws -> Outcome {
    try Self.run(Self.folder.appending(path: name).path, arguments, in: folder, input: input)
  }

  static func run(_ path: String, _ arguments: [String], in folder: String? = nil, input: String = "") throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    // Files, since a full pipe would stop both sides.
    let scratch = FileManager.default.temporaryDirectory.appending(path: "aviary-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let files = ["out", "err"].map { scratch.appending(path: $0) }
    for file in files { try Data().write(to: file) }
    let typed = scratch.appending(path: "in")
    try Data(input.utf8).write(to: typed)
    let handles = try files.map { try FileHandle(forWritingTo: $0) }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    process.standardInput = try FileHandle(forReadingFrom: typed)
    try process.run()
    process.waitUntilExit()
    let texts = try files.map { String(decoding: try Data(contentsOf: $0), as: UTF8.self) }
    return Outcome(code: process.terminationStatus, output: texts[0], errors: texts[1])
  }

  /// Runs it and expects that it refuses: exit code 2 and an error that has all of these parts.
  func expectRefusal(_ arguments: [String], in folder: String? = nil, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) throws {
    let outcome = try run(arguments, in: folder)
    #expect(outcome.code == 2, "\(outcome.errors)", sourceLocation: sourceLocation)
    for part in parts { #expect(outcome.errors.contains(part), "\(outcome.errors)", sourceLocation: sourceLocation) }
  }
}

import Testing

/// Rules that every source file keeps.
struct SourceRulesTests {
  static let sources = Repository.files(
    below: ["Sources", "Plugins", "Tests", "Examples", "Fuzz", "Shaders", "Benchmarks"], endings: ["swift", "c", "h", "cpp", "comp", "glsl"])

  @Test func noSourceFileIsLongerThan450Lines() {
    #expect(Self.sources.count > 100)
    for file in Self.sources { #expect(file.lineCount <= 450, "\(file) has \(file.lineCount) lines") }
  }

  /// Folders that only somebody's machine has. The rule for `home` would hit examples that show a user's cache.
  @Test func nothingNamesAFolderOfSomebodysMachine() {
    let names = ["work", "root", "farm", "Users", "opt/swift", "opt/ref"].joined(separator: "|")
    let pattern = #"(?:^|[^A-Za-z0-9_.\-])(/(?:"# + names + #")/\S*)"#
    let texts = Repository.files(
      below: ["Sources", "Plugins", "Tests", "Examples", "Fuzz", "Shaders", "Benchmarks", "Zoo", "docs", "scripts"],
      endings: ["swift", "c", "h", "cpp", "comp", "glsl", "md", "yaml", "json", "sh", ""])
    let top = ["README.md", "SECURITY.md", "Package.swift", ".ci/run"].compactMap { path in
      Repository.read(path).map { Repository.File(path: path, text: $0) }
    }
    for file in texts + top {
      let found = file.text.matches(pattern).map { $0[1] }
      #expect(found.isEmpty, "\(file) names \(found.joined(separator: ", "))")
    }
  }

  /// Ways to trap that need no operand to go wrong; where one is right, it stands here with the number of its uses.
  static let traps = [#"\btry!"#, #"\bas!"#, #"\bfatalError\("#]
  static let allowedTraps: [String: Int] = [:]

  static func traps(in text: String) -> Int {
    let code = SwiftCode.of(text)
    return traps.reduce(0) { $0 + code.matches($1).count }
  }

  @Test func nothingTrapsOnPurpose() {
    for file in Repository.swift {
      #expect(Self.traps(in: file.text) == Self.allowedTraps[file.path] ?? 0, "\(file) traps")
    }
    for path in Self.allowedTraps.keys { #expect(Repository.swift.contains { $0.path == path }, "\(path) is gone") }
  }

  @Test func trapsAreCountedInCodeOnly() {
    #expect(Self.traps(in: "let a = try! f(); let b = x as! Int; fatalError(\"no\")") == 3)
    #expect(Self.traps(in: "// try! this\n/* as! /* */ try! */ let s = #\"fatalError(\"#; let t = \"try! \\(1)\"") == 0)
    #expect(Self.traps(in: "let s = \"a \\(try! f(\")\")) b\"; let t = \"\"\"\n  try!\n  \"\"\"") == 1)
  }
}

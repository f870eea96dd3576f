import Foundation
import Testing

/// The scripts, and what the README tells people to type.
struct ScriptTests {
  static let scripts: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(Repository.root)/scripts")) ?? []
    return names.sorted().map { "scripts/\($0)" } + [".ci/run"]
  }()

  /// With pipefail, whoever still writes when grep -q has seen enough ends the pipe in failure.
  @Test(arguments: scripts) func noScriptAsksThroughAPipe(_ path: String) throws {
    let text = try #require(Repository.read(path))
    #expect(text.firstRange(of: /\|\s*grep\s+-\w*q/) == nil)
  }

  @Test(arguments: scripts) func everyScriptIsExecutableAndStopsAtTheFirstError(_ path: String) throws {
    #expect(FileManager.default.isExecutableFile(atPath: "\(Repository.root)/\(path)"))
    let text = try #require(Repository.read(path))
    #expect(text.hasPrefix("#!/usr/bin/env bash\n"))
    #expect(text.contains("\nset -euo pipefail\n"))
  }

  @Test func theScriptsThatTheReadmeNamesAreThere() {
    #expect(Self.scripts.contains("scripts/setup") && Self.scripts.contains("scripts/demo") && Self.scripts.contains("scripts/test"))
    // What lands is checked by what developers run.
    #expect(Repository.read(".ci/run")?.contains("scripts/test") == true)
  }
}

/// Command lines in the fenced blocks of a document.
enum Commands {
  /// Lines that begin with a script or the program, with a `$` before them or without.
  static func lines(_ text: String) -> [[String]] {
    var isInside = false
    var lines: [[String]] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isInside.toggle()
        continue
      }
      var words = line.split(separator: " ").map(String.init)
      if words.first == "$" { words.removeFirst() }
      if let end = words.firstIndex(of: "#") { words.removeSubrange(end...) }
      guard isInside, let first = words.first, first.hasPrefix("scripts/") || first == "aviary" else { continue }
      lines.append(words)
    }
    return lines
  }

  /// Names of the program's commands, and of everything that its sources declare: flags are properties, in camel case.
  static let program: (commands: Set<String>, names: Set<String>) = {
    var commands: Set<String> = ["help"]
    var names: Set<String> = ["help", "version"]
    for file in Repository.files(below: ["Sources/AviaryCommands"], endings: ["swift"]) {
      for type in SwiftCode.of(file.text).matches(#"struct (\w+): (?:Async)?ParsableCommand"#) {
        let given = file.text.matches(#"commandName: "([\w-]+)""#).first?[1]
        commands.insert(given ?? type[1].lowercased())
      }
      names.formUnion(SwiftCode.of(file.text).matches(#"\bvar (\w+)"#).map { $0[1] })
      names.formUnion(file.text.matches(#""([\w-]+)""#).map { $0[1] })
    }
    return (commands, names)
  }()

  /// What of a command line does not exist.
  static func unknown(_ words: [String]) -> [String] {
    guard let first = words.first else { return [] }
    if first.hasPrefix("scripts/") { return ScriptTests.scripts.contains(first) ? [] : [first] }
    var unknown: [String] = []
    if words.count > 1, !words[1].hasPrefix("-"), !program.commands.contains(words[1]) { unknown.append("aviary \(words[1])") }
    for word in words where word.hasPrefix("--") && word.count > 2 {
      let name = word.dropFirst(2).prefix { $0 != "=" }
      let parts = name.split(separator: "-")
      let property = parts.dropFirst().reduce(String(parts.first ?? "")) { $0 + $1.prefix(1).uppercased() + $1.dropFirst() }
      if !program.names.contains(property), !program.names.contains(String(name)) { unknown.append(word) }
    }
    return unknown
  }
}

struct ReadmeTests {
  static let documents = ["README.md", "Benchmarks/README.md", "docs/architecture.md", "docs/adding-a-model.md", "docs/adding-a-backend.md", "Tests/Golden/README.md"]
    .filter { Repository.read($0) != nil }

  @Test(arguments: documents) func everyCommandExists(_ path: String) throws {
    for words in Commands.lines(try #require(Repository.read(path))) {
      let unknown = Commands.unknown(words)
      #expect(unknown.isEmpty, "\(path): `\(words.joined(separator: " "))` has \(unknown.joined(separator: ", "))")
    }
  }

  /// The table is `scripts/parity-table`'s: a row for each family with its README's title, none of a family that is gone.
  @Test func theTableOfModelsIsTheScripts() throws {
    let readme = try #require(Repository.read("README.md"))
    let start = try #require(readme.range(of: "<!-- parity table: written by scripts/parity-table -->\n"))
    let end = try #require(readme.range(of: "<!-- end of the parity table -->"))
    let rows = readme[start.upperBound..<end.lowerBound].split(separator: "\n").dropFirst(2).map { row in
      row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    let titles = ArchitectureFolders.all.keys.compactMap { Repository.read("Plugins/Architectures/\($0)/README.md")?.split(separator: "\n").first?.dropFirst(2) }
    for row in rows {
      #expect(row.count == 5)
      #expect(titles.contains(Substring(row[0])), "\(row[0]) is no family's title")
    }
    #expect(Set(rows.map { $0[0] }).count >= 8)
  }

  @Test func unknownCommandsAreFound() {
    let text = "aviary nothing\n```\n$ aviary verify CASE --tolerance 1 # --not\naviary fly --wing=2\nscripts/none 3\n```\n"
    #expect(Commands.lines(text).count == 3)
    #expect(Commands.lines(text).flatMap(Commands.unknown) == ["aviary fly", "--wing=2", "scripts/none"])
  }
}

import Testing

/// What two families need moves to AviaryParts: no folder of Plugins/Architectures names a type of another.
enum ArchitectureFolders {
  static let all: [String: [Repository.File]] = Dictionary(
    grouping: Repository.files(below: ["Plugins/Architectures"], endings: ["swift"])
  ) { $0.path.split(separator: "/").dropFirst(2).first.map(String.init) ?? "" }

  /// Names of the types that stand at the top of the files; those inside of them are reached through them.
  static func types(_ files: [Repository.File]) -> Set<String> {
    Set(
      files.flatMap { file in
        SwiftCode.of(file.text)
          .matches(#"^(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|final|indirect)\s+)*(?:struct|class|enum|actor|protocol|typealias)\s+(\w+)"#)
          .map { $0[1] }
      })
  }

  /// Each place where a folder names another's type.
  static func trespasses(_ folders: [String: [Repository.File]]) -> [String] {
    let declared = folders.mapValues(types)
    var found: [String] = []
    for (folder, files) in folders {
      let own = declared[folder] ?? []
      for (other, types) in declared where other != folder {
        let foreign = types.subtracting(own)
        for file in files {
          let words = Set(SwiftCode.of(file.text).matches(#"\b[A-Za-z_]\w*\b"#).map { $0[0] })
          for type in foreign.intersection(words).sorted() { found.append("\(file) names \(other)'s \(type)") }
        }
      }
    }
    return found.sorted()
  }
}

struct ArchitectureFolderTests {
  @Test func noFolderNamesAnothersTypes() {
    #expect(ArchitectureFolders.all.count >= 2)
    #expect(ArchitectureFolders.trespasses(ArchitectureFolders.all) == [])
  }

  /// The plugin that writes the registry takes the folder's name for the type's.
  @Test func everyFolderHoldsItsArchitectureAndAReadme() {
    for (folder, files) in ArchitectureFolders.all {
      #expect(ArchitectureFolders.types(files).contains(folder))
      #expect(Repository.read("Plugins/Architectures/\(folder)/README.md") != nil, "\(folder) has no README.md")
    }
  }

  @Test func aTrespassIsFound() {
    func file(_ path: String, _ text: String) -> Repository.File { Repository.File(path: path, text: text) }
    let found = ArchitectureFolders.trespasses([
      "Heron": [file("a", "public enum Heron { struct Wing {} }\nfinal class HeronProcessor {}")],
      "Stork": [file("b", "enum Stork { struct Wing {} }\n// a Heron\nlet s = \"Heron \\(HeronProcessor.self)\"")],
    ])
    #expect(found == ["b names Heron's HeronProcessor"])
  }
}

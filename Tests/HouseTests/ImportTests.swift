import Testing

/// Who may import whom (docs/architecture.md). Arrows lead downwards only; a module without a row here fails.
enum Layers {
  static let tensor = ["AviaryTensor"]
  static let core = tensor + ["AviaryCore"]

  /// The arrows between our own modules and to libraries, by folder.
  static let allowed: [String: [String]] = [
    "Sources/AviaryTensor": [],
    "Sources/AviaryCore": tensor,
    "Sources/AviaryNN": core,
    "Sources/AviaryParts": core + ["AviaryNN"],
    "Sources/AviaryTrain": core,
    "Sources/AviaryFormats": core + ["CMappingShim"],
    "Sources/AviaryMedia": core + ["CImageShim", "CCrypto"],
    "Sources/AviaryFonts": tensor + ["CFontShim"],
    "Sources/AviaryText": core + ["CPCRE2", "CSentencePieceShim"],
    "Plugins/Architectures": core + ["AviaryNN", "AviaryParts", "AviaryMedia", "AviaryText"],
    // A backend knows no model; which C modules it stands on is its own affair.
    "Plugins/Backends": tensor + ["VulkanShaders"],
    "Plugins/Tools": ["PackagePlugin", "CGlslang"],
    "Shaders/Library": [],
    "Sources/AviaryRuntime": core + ["AviaryTrain", "AviaryFormats", "AviaryMedia", "AviaryFonts", "AviaryText", "Architectures", "AviaryParts", "BackendCPU", "BackendVulkan", "Yams"],
    "Sources/AviaryTesting": core + ["AviaryRuntime", "AviaryFormats", "AviaryText"],
    "Sources/AviaryCommands": core + ["AviaryRuntime", "AviaryFormats", "AviaryTesting", "ArgumentParser"],
    "Sources/aviary": ["AviaryCommands"],
  ]

  /// Parts of the platform that anything may use; none of them opens a socket by itself.
  static let platform: Set = ["Glibc", "Darwin", "Dispatch", "Synchronization"]
  /// Foundation is large, and slow where bytes are meant: where it is used at all.
  static let foundation: Set = ["Sources/AviaryText", "Sources/AviaryRuntime", "Sources/AviaryTesting", "Sources/AviaryCommands", "Plugins/Tools"]

  /// The row of a file: its two uppermost folders.
  static func row(of path: String) -> String { path.split(separator: "/").prefix(2).joined(separator: "/") }

  /// Modules that a file imports.
  static func imports(_ text: String) -> [String] {
    let attributes = #"(?:@\w+(?:\([^)]*\))?\s+)*"#
    let access = #"(?:(?:public|package|internal|fileprivate|private)\s+)?"#
    let kind = #"(?:(?:struct|class|enum|protocol|actor|func|var|let|typealias)\s+)?"#
    return SwiftCode.of(text).matches(#"^\s*"# + attributes + access + #"import\s+"# + kind + #"([A-Za-z_]\w*)"#).map { $0[1] }
  }

  /// The imports of a file that the design does not have.
  static func forbidden(in file: Repository.File) -> [String] {
    let row = row(of: file.path)
    guard let allowed = allowed[row] else { return ["(\(row) has no row in Layers.allowed)"] }
    return imports(file.text).filter { module in
      if allowed.contains(module) || platform.contains(module) { return false }
      if module == "Foundation" { return !foundation.contains(row) }
      let isCModule = !module.matches("^C[A-Z]").isEmpty
      return !(row == "Plugins/Backends" && isCModule)
    }
  }
}

struct ImportTests {
  @Test func everyImportIsAnArrowOfTheDesign() {
    #expect(Repository.swift.count > 100)
    for file in Repository.swift {
      let forbidden = Layers.forbidden(in: file)
      #expect(forbidden.isEmpty, "\(file) imports \(forbidden.joined(separator: ", "))")
    }
  }

  @Test(arguments: [
    ("Sources/AviaryTensor/X.swift", "import AviaryCore", ["AviaryCore"]),
    ("Sources/AviaryCore/X.swift", "public import struct Foundation.Data", ["Foundation"]),
    ("Sources/AviaryFormats/X.swift", "@preconcurrency import AviaryMedia", ["AviaryMedia"]),
    ("Plugins/Backends/GPU/X.swift", "import CVulkan\nimport AviaryCore", ["AviaryCore"]),
    ("Plugins/Architectures/A/X.swift", "import AviaryFormats", ["AviaryFormats"]),
    ("Sources/aviary/X.swift", "import FoundationNetworking", ["FoundationNetworking"]),
    ("Sources/AviaryNN/X.swift", "// import AviaryText\nlet a = \"import Yams\"\nimport AviaryCore", []),
    ("Sources/AviaryNew/X.swift", "", ["(Sources/AviaryNew has no row in Layers.allowed)"]),
  ])
  func forbiddenImportsAreFound(_ path: String, _ text: String, _ wanted: [String]) {
    #expect(Layers.forbidden(in: Repository.File(path: path, text: text)) == wanted)
  }

  /// Arrows that lead in a circle cannot be a layering.
  @Test func theTableHasNoCircle() {
    func name(_ row: String) -> String { row.split(separator: "/").last.map(String.init) ?? row }
    var below: [String: Set<String>] = [:]
    for (row, targets) in Layers.allowed { below[name(row), default: []].formUnion(targets) }
    for start in below.keys {
      var reached: Set<String> = []
      var open = below[start] ?? []
      while let next = open.popFirst() {
        if reached.insert(next).inserted { open.formUnion(below[next] ?? []) }
      }
      #expect(!reached.contains(start), "\(start) reaches itself")
    }
  }
}

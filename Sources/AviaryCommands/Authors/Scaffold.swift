import AviaryTensor
import Foundation

/// The files of a new family: a CLIP tower, a projector and a Llama decoder to begin with, and tests of which one fails
/// until a run of the original code is recorded.
struct Scaffold {
  /// The type's name: `Heron`.
  let name: String
  /// The word in configurations: `heron`.
  let id: String

  /// - Throws: `.request` where the name cannot be a type's, or the core has a type of that name.
  init(_ name: String) throws(AviaryError) {
    guard Self.isTypeName(name) else {
      throw AviaryError(.request, "the name \(quoted(name))", wanted: "a Swift type's name: a capital letter, then letters and digits, at most 40")
    }
    guard !Self.taken.contains(name) else { throw AviaryError(.request, "the name \(name)", wanted: "one that neither Swift nor Aviary's core uses") }
    self.name = name
    id = name.lowercased()
  }

  static func isTypeName(_ word: String) -> Bool {
    guard let first = word.utf8.first, (65...90).contains(first), word.utf8.count <= 40 else { return false }
    return word.utf8.allSatisfy { (65...90).contains($0) || (97...122).contains($0) || (48...57).contains($0) }
  }

  /// Names that every family's files use already.
  private static let taken: Set = [
    "Any", "Self", "Type", "Protocol", "Swift", "Foundation", "Testing", "Int", "Int32", "String", "Bool", "Array", "Set", "Float", "Double", "Character",
    "Architecture", "Architectures", "Tensor", "Shape", "Weight", "Weights", "WeightSource", "NameMap", "ModelFolder", "Processor", "Tokenizer", "Spliced",
    "CrossAttended", "TextOnly", "CLIPViT", "CLIPConfig", "CLIPPreprocessor", "MLPProjector", "Llama", "LlamaConfig", "FeatureLayers", "ClipNames",
    "Activation", "UnaryKind", "ConfigReader", "Config", "Model", "ChatMessage", "PromptOptions", "PromptStyle", "PromptAssembly", "MarkedText", "PixelImage",
    "PreparedImage", "MediaLayout", "RecordedTensor", "RecordedPixels", "TokenizedPrompt", "StopRule", "AviaryError", "Golden", "Parity", "ModelUnderTest",
    "RandomCheckpoint", "TemporaryFolder", "Backend", "Reference",
  ]

  private var family: [(path: String, text: String)] {
    [("\(name).swift", Self.architecture), ("\(name)Processor.swift", Self.processor), ("README.md", Self.readme)].map { ("\(name)/\($0)", filled($1)) }
  }

  /// All files by their paths in Aviary's repository.
  var files: [(path: String, text: String)] {
    family.map { ("Plugins/Architectures/\($0.path)", $0.text) } + [("Tests/FamilyTests/\(name)Tests.swift", filled(Self.tests))]
  }

  private func filled(_ template: String) -> String {
    let indented = Self.configuration.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
    return template.replacing("__CONFIGURATION__", with: indented).replacing("__NAME__", with: name).replacing("__ID__", with: id)
  }

  /// Writes the files and returns their paths.
  ///
  /// - Parameter folder: where the family's folder goes; nil for this repository's place for it, tests included.
  /// - Throws: `.request` where this is not the repository, or something is there already: then nothing is written.
  func write(to folder: String?) throws(AviaryError) -> [String] {
    let all = folder.map { folder in family.map { ("\(folder)/\($0.path)", $0.text) } } ?? files
    let manager = FileManager.default
    guard folder != nil || (manager.fileExists(atPath: "Plugins/Architectures") && manager.fileExists(atPath: "Tests/FamilyTests")) else {
      throw AviaryError(.request, "no Plugins/Architectures here", wanted: "Aviary's repository as the working folder, or --at FOLDER")
    }
    // Case does not tell folders apart on every disk.
    let home = folder ?? "Plugins/Architectures"
    let there = ((try? manager.contentsOfDirectory(atPath: home)) ?? []).first { $0.lowercased() == id }
    for path in there.map({ ["\(home)/\($0)"] }) ?? [] + all.map(\.0) where manager.fileExists(atPath: path) {
      throw AviaryError(.request, "there is a \(path) already", wanted: "a name that is free")
    }
    for (path, text) in all {
      let url = URL(fileURLWithPath: path)
      do {
        try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url, options: .withoutOverwriting)
      } catch { throw AviaryError(.file, "\(path) cannot be written", wanted: "a place for it") }
    }
    return all.map(\.0)
  }
}

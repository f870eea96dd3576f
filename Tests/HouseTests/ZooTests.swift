import AviaryCore
import AviaryRuntime
import AviaryTensor
import AviaryTesting
import Foundation
import Testing

/// The manifests of the zoo: each is read, builds its model's structure, and says how large it is.
struct ZooTests {
  static let folder = "\(Repository.root)/Zoo"
  static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
  static let nowhere = Surroundings(environment: ["HF_HOME": "/nonexistent"], home: "/nonexistent")

  @Test func theZooHoldsEveryManifest() throws {
    let zoo = try Zoo(folder: Self.folder)
    #expect(zoo.manifests.map(\.name) == Self.names.map { String($0.dropLast(5)) })
    #expect(zoo.manifests.count >= 10)
  }

  @Test(arguments: names) func aManifestBuildsItsModel(_ name: String) throws {
    let path = "\(Self.folder)/\(name)"
    let manifest = try Manifest(path: path)
    let loaded = try ModelLoader(Self.nowhere).load(path, on: CountingBackend(BackendOptions()), random: .bf16)
    #expect(loaded.architecture == manifest.family)
    let count = Double(loaded.weights.parameterCount)
    #expect(abs(count / manifest.parameters - 1) < 0.01, "\(count) built, \(manifest.parameters) declared")
    #expect(manifest.bytes(as: .bf16) == manifest.parameters * 2)
    #expect(manifest.bytes(as: .q8_0) == manifest.parameters * 34 / 32)
    #expect(!manifest.files.isEmpty)
    #expect(manifest.repository.split(separator: "/").count == 2)
  }

  @Test func theZooIsFoundByItsVariableAndBesideTheProgram() throws {
    var surroundings = Self.nowhere
    surroundings.environment["AVIARY_ZOO"] = Self.folder
    #expect(try Zoo.find(surroundings, program: nil).folder == Self.folder)
    surroundings.environment["AVIARY_ZOO"] = "/nonexistent"
    #expect(throws: AviaryError.self) { try Zoo.find(surroundings, program: nil) }
    let program = "\(Repository.root)/.build/triple/release/aviary"
    #expect(try Zoo.find(Self.nowhere, program: program).folder == Self.folder)
  }

  @Test func aCheckpointOfTheZooIsFoundByItsName() throws {
    let place = FileManager.default.temporaryDirectory.appending(path: "aviary-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: place) }
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: "\(Repository.root)/Tests/Golden/llava-hf-single/model", toPath: place + "/bird")
    try FileManager.default.copyItem(atPath: Self.folder + "/yi-vl-6b.yaml", toPath: place + "/yi-vl-6b.yaml")
    let text = "name: bird\nfamily: llava\nfolder: bird\nlicence: none\nfiles: [model.safetensors]\nprompt: template\nparameters: 100000\n"
    try Data(text.utf8).write(to: URL(fileURLWithPath: place + "/bird.yaml"))
    var surroundings = Self.nowhere
    surroundings.environment["AVIARY_ZOO"] = place
    let loader = ModelLoader(surroundings)
    for name in ["bird", place + "/bird.yaml"] { #expect(try loader.folder(name).name == "bird") }
    // Published elsewhere and not in the cache: the error names repository and licence.
    let error = #expect(throws: AviaryError.self) { try loader.folder("yi-vl-6b") }
    #expect("\(try #require(error))".contains("01-ai/Yi-VL-6B"))
    let misspelt = #expect(throws: AviaryError.self) { try loader.folder("yi-vl-6") }
    #expect("\(try #require(misspelt))".contains("`aviary list` shows: yi-vl-6b, perhaps"))
    let short = #expect(throws: AviaryError.self) { try loader.folder("brd") }
    #expect("\(try #require(short))".contains("`aviary list` shows: bird, perhaps"))
    for name in ["brd", "../bird", ".bird", ""] { #expect(throws: AviaryError.self, "\(name)") { try loader.folder(name) } }
    let zoo = try Zoo(folder: place)
    let bird = try #require(zoo.manifests.first)
    #expect(zoo.presence(of: bird, Self.nowhere) == .present(folder: place + "/bird"))
    for path in try FileManager.default.contentsOfDirectory(atPath: place + "/bird") where path.hasSuffix(".safetensors") {
      try FileManager.default.removeItem(atPath: place + "/bird/" + path)
    }
    if case .incomplete = zoo.presence(of: bird, Self.nowhere) {} else { Issue.record("a folder without weights is there") }
    for folder in ["../bird", "a/b", ".bird"] {
      try Data(text.replacing("folder: bird", with: "folder: \(folder)").utf8).write(to: URL(fileURLWithPath: place + "/bird.yaml"))
      #expect(throws: AviaryError.self) { try Zoo(folder: place) }
    }
  }
}

/// Manifests on this machine, in a Hugging Face cache made for the test.
struct PresenceTests {
  static let commit = String(repeating: "0a", count: 20)

  /// A cache that holds a repository with these files.
  static func withCache(_ repository: String, _ files: [String: String], _ body: (Surroundings) throws -> Void) throws {
    let home = FileManager.default.temporaryDirectory.appending(path: "aviary-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: home) }
    let model = home.appending(path: "hub/models--" + repository.replacingOccurrences(of: "/", with: "--"))
    let snapshot = model.appending(path: "snapshots/\(commit)")
    for folder in [model.appending(path: "refs"), snapshot] {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }
    try Data(commit.utf8).write(to: model.appending(path: "refs/main"))
    for (name, source) in files { try FileManager.default.copyItem(atPath: source, toPath: snapshot.appending(path: name).path) }
    try body(Surroundings(environment: ["HF_HOME": home.path], home: home.path))
  }

  static let case1 = "\(Repository.root)/Tests/Golden/llava-hf-single/model"
  static let index = "model.safetensors.index.json"
  static let shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]

  @Test func aWholeCheckpointIsPresentAndAHalfOneIncomplete() throws {
    let zoo = try Zoo(folder: ZooTests.folder)
    let manifest = try #require(zoo.manifests.first { $0.name == "llava-1.5-7b" })
    #expect(zoo.presence(of: manifest, ZooTests.nowhere) == .absent)

    func files(_ names: [String]) -> [String: String] { Dictionary(uniqueKeysWithValues: names.map { ($0, "\(Self.case1)/\($0)") }) }
    try Self.withCache(manifest.repository, files([Self.index] + Self.shards)) { surroundings in
      guard case .present(let folder) = zoo.presence(of: manifest, surroundings) else {
        Issue.record("found \(zoo.presence(of: manifest, surroundings))")
        return
      }
      #expect(folder.hasSuffix(Self.commit))
    }
    try Self.withCache(manifest.repository, files([Self.index, Self.shards[0]])) { surroundings in
      guard case .incomplete(let error) = zoo.presence(of: manifest, surroundings) else {
        Issue.record("found \(zoo.presence(of: manifest, surroundings))")
        return
      }
      #expect("\(error)".contains(Self.shards[1]))
    }
  }

  @Test func aMissingTowerMakesAnOriginalCheckpointIncomplete() throws {
    let zoo = try Zoo(folder: ZooTests.folder)
    let manifest = try #require(zoo.manifests.first { $0.name == "llava-1.5-7b-original" })
    let file = "pytorch_model-00001-of-00002.bin"
    try Self.withCache(manifest.repository, [file: "\(Repository.root)/Tests/Golden/llava-orig-single/model/\(file)"]) { surroundings in
      guard case .incomplete(let error) = zoo.presence(of: manifest, surroundings) else {
        Issue.record("found \(zoo.presence(of: manifest, surroundings))")
        return
      }
      #expect("\(error)".contains("clip-vit-large-patch14-336"))
    }
  }

  /// All that is missing of a composed checkpoint is one error: file, repository and licence of each.
  @Test func whatIsMissingOfSeveralPublishersIsOneError() throws {
    let zoo = try Zoo(folder: ZooTests.folder)
    let manifest = try #require(zoo.manifests.first { $0.name == "minigpt4-vicuna-7b" })
    try Self.withCache(manifest.repository, ["README.md": "\(Repository.root)/README.md"]) { surroundings in
      guard case .incomplete(let error) = zoo.presence(of: manifest, surroundings) else {
        Issue.record("found \(zoo.presence(of: manifest, surroundings))")
        return
      }
      for part in [
        "prerained_minigpt4_7b.pth of Vision-CAIR/MiniGPT-4 (licence: BSD 3-Clause", "eva_vit_g.pth of salesforce/LAVIS (licence: BSD 3-Clause)",
        "blip2_pretrained_flant5xxl.pth of salesforce/LAVIS", "pytorch_model-*.bin of Vision-CAIR/vicuna-7b (licence: LLaMA's, non-commercial)",
      ] { #expect("\(error)".contains(part), "\(error)") }
      #expect(error.kind == .file)
    }
  }

  /// Every family of composed checkpoints says of each part where it is published, and under which licence.
  @Test func partsHaveTheirRepositories() throws {
    for manifest in try Zoo(folder: ZooTests.folder).manifests {
      if ["flamingo", "minigpt4"].contains(manifest.family) { #expect(manifest.parts.count >= 2, "\(manifest.name)") }
      for part in manifest.parts {
        #expect(part.repository.split(separator: "/").count == 2)
        #expect(!part.licence.isEmpty && !part.files.isEmpty && !part.folder.isEmpty)
      }
    }
  }
}

/// Manifests that are wrong say what, and where.
struct BadManifestTests {
  static let good = """
    name: a
    family: llava
    repository: org/a
    licence: none
    files: [config.json]
    prompt: template
    parameters: 10
    configuration: {config.json: {model_type: llava}}
    """

  static func reading(_ text: String) throws -> Manifest {
    let path = FileManager.default.temporaryDirectory.appending(path: "aviary-\(UUID().uuidString).yaml").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try Manifest(path: path)
  }

  @Test func theGoodOneIsRead() throws { #expect(try Self.reading(Self.good).parameters == 10) }

  @Test(arguments: [
    ("parameters: 10", "parameters: -1", "parameters"),
    ("parameters: 10", "parameters: many", "parameters"),
    ("licence: none", "", "licence"),
    ("licence: none", "license: none", "license"),
    ("files: [config.json]", "files: [3]", "files"),
    ("prompt: template", "prompt: template\nparts: {tower: 3}", "tower"),
    ("prompt: template", "prompt: template\nparts: {tower: {folder: x, repository: a/b, licence: c}}", "files"),
    ("prompt: template", "prompt: template\nparts: {tower: {folder: x, repository: a/b, license: c, files: [d]}}", "license"),
    ("prompt: template", "prompt: template\nparts: nothing", "parts"),
    ("{config.json: {model_type: llava}}", "{}", "configuration"),
    ("{config.json: {model_type: llava}}", "[]", "configuration"),
    ("name: a", "name: [", ""),
    ("name: a", "name: a\nname: b", ""),
  ])
  func aBadOneIsRefused(_ from: String, _ to: String, _ named: String) throws {
    let text = Self.good.replacingOccurrences(of: from, with: to)
    #expect(text != Self.good)
    let error = try #require(throws: AviaryError.self) { try Self.reading(text) }
    #expect(named.isEmpty || "\(error)".contains(named))
    #expect(error.exitCode == 2)
  }
}

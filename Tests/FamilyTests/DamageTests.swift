import Architectures
import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Checkpoints of every family with one file missing, cut short, of another model, or with one number changed: a typed error
/// each time, or a model where the file was not needed.
struct DamageTests {
  static let names = [
    "llava-hf-single", "llava-orig-single", "llava-next-single", "yi-vl-single", "qwen-vl-chat-single", "vary-toy-ocr", "deepseek-vl-orig13-single",
    "deepseek-vl-orig7-single", "deepseek-vl-hf-hybrid-odd", "minigpt4-single", "minigpt4-llama2-single", "flamingo-mpt1b-single", "flamingo-rpj3b-4shot",
    "flamingo-mpt7b-odd", "flamingo-idefics-single",
  ].filter(Golden.has)

  static let weightEndings = [".bin", ".pt", ".pth", ".safetensors"]
  static func isWeights(_ file: String) -> Bool { weightEndings.contains { file.hasSuffix($0) } }

  /// A copy of a case's checkpoint, and the paths of its files.
  static func copy(_ name: String) throws -> (folder: TemporaryFolder, files: [String]) {
    let folder = try TemporaryFolder()
    try folder.copy(#require(Golden.find(name)), leavingOut: { $0.hasPrefix("expected") || $0 == "request.json" })
    let files = (FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []).filter { $0.contains(".") && !$0.hasSuffix("/") }
    return (folder, files.filter { (try? FileManager.default.attributesOfItem(atPath: "\(folder.path)/\($0)")[.type] as? FileAttributeType) == .typeRegular }.sorted())
  }

  /// nil where the model loads.
  static func failure(_ folder: TemporaryFolder) -> (any Error)? {
    do {
      _ = try Recorded.loader.load(folder.path + "/model", on: Reference())
      return nil
    } catch { return error }
  }

  static func check(_ error: (any Error)?, _ what: String, mustFail: Bool, mentioning part: String? = nil) {
    guard let error else {
      if mustFail { Issue.record("no error: \(what)") }
      return
    }
    guard let typed = error as? AviaryError else {
      Issue.record("\(what): \(error) is no AviaryError")
      return
    }
    #expect([.file, .format, .config, .weights, .limit].contains(typed.kind), "\(what): \(typed)")
    if mustFail, let part { #expect(typed.description.contains(part), "\(what): \(typed)") }
  }

  @Test(arguments: names) func aFileIsMissing(_ name: String) throws {
    let (folder, files) = try Self.copy(name)
    #expect(Self.failure(folder) == nil)
    for file in files {
      let path = "\(folder.path)/\(file)"
      try FileManager.default.moveItem(atPath: path, toPath: path + "~")
      let last = file.split(separator: "/").last.map(String.init) ?? file
      let failure = Self.failure(folder)
      Self.check(failure, "\(name) without \(file)", mustFail: Self.isWeights(file), mentioning: Self.nameInError(last, name))
      // What several publishers offer is named with repository and licence.
      if Self.isWeights(file), name.hasPrefix("minigpt4") || name.hasPrefix("flamingo-mpt") || name.hasPrefix("flamingo-rpj") {
        Self.check(failure, "\(name) without \(file)", mustFail: true, mentioning: "licence: ")
      }
      try FileManager.default.moveItem(atPath: path + "~", toPath: path)
    }
  }

  /// A folder with one file of weights says which kinds it looked for; a file with a name of its own is named.
  static func nameInError(_ file: String, _ name: String) -> String? {
    ["model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors"].contains(file) ? nil : file
  }

  @Test(arguments: names) func aFileIsCutShort(_ name: String) throws {
    let (folder, files) = try Self.copy(name)
    for file in files {
      let path = "\(folder.path)/\(file)"
      let whole = try Data(contentsOf: URL(fileURLWithPath: path))
      for count in [0, 1, whole.count / 2, whole.count - 1] {
        try whole.prefix(count).write(to: URL(fileURLWithPath: path))
        Self.check(Self.failure(folder), "\(name): \(file) of \(count) bytes", mustFail: Self.isWeights(file))
      }
      try whole.write(to: URL(fileURLWithPath: path))
    }
    #expect(Self.failure(folder) == nil)
  }

  /// Each file of weights in the place of each other one, and another family's.
  @Test(arguments: names) func aFileIsOfAnotherModel(_ name: String) throws {
    let (folder, files) = try Self.copy(name)
    let weights = files.filter(Self.isWeights)
    let foreign = try #require(Golden.find(name.hasPrefix("llava") ? "yi-vl-single" : "llava-orig-single")) + "/model/pytorch_model-00001-of-00002.bin"
    for file in weights {
      let path = "\(folder.path)/\(file)"
      let own = try Data(contentsOf: URL(fileURLWithPath: path))
      for other in weights.filter({ $0 != file }).map({ "\(folder.path)/\($0)" }) + [foreign] {
        try Data(contentsOf: URL(fileURLWithPath: other)).write(to: URL(fileURLWithPath: path))
        Self.check(Self.failure(folder), "\(name): \(other) as \(file)", mustFail: true)
      }
      try own.write(to: URL(fileURLWithPath: path))
    }
    #expect(Self.failure(folder) == nil)
  }

  /// Keys whose values are sizes of tensors in every family.
  static let sizes: Set = [
    "hidden_size", "intermediate_size", "num_hidden_layers", "vocab_size", "d_model", "n_layers", "embed_dim", "width", "patch_size", "layers", "mlp_dim",
  ]

  static let differing = [
    "llava-hf-single", "llava-orig-single", "yi-vl-single", "qwen-vl-chat-single", "vary-toy-ocr", "deepseek-vl-orig7-single", "deepseek-vl-hf-hybrid-odd",
    "minigpt4-single", "flamingo-mpt1b-single", "flamingo-rpj3b-4shot", "flamingo-idefics-single",
  ].filter(Golden.has)

  @Test(arguments: differing) func aNumberDisagrees(_ name: String) throws {
    let (folder, files) = try Self.copy(name)
    for file in files where file.hasSuffix("config.json") && !file.contains("tokenizer") {
      let json = try JSONParser.parse(file: "\(folder.path)/\(file)")
      for (index, (path, number)) in Self.numbers(json).enumerated() {
        for value in [number + 1, [0, -1, 1 << 40][index % 3]] {
          try folder.write(file, Self.setting(json, path[...], value))
          let isSize = value == number + 1 && Self.sizes.contains(path.last ?? "") && file.hasSuffix("/config.json")
          Self.check(Self.failure(folder), "\(name): \(file) \(path.joined(separator: ".")) \(value)", mustFail: isSize && !Self.isUnread(path, name, file))
        }
      }
      try folder.write(file, json)
    }
  }

  /// Sizes that are read from elsewhere, or that nothing depends on: a whole CLIP's text half, a vocabulary that other tables say,
  /// an odd number of which half counts, a SAM's `mlp_dim` beside it, and how many layers stand behind the one whose features are
  /// taken.
  static func isUnread(_ path: [String], _ name: String, _ file: String) -> Bool {
    if path.first == "text_config", file != "model/config.json" { return true }
    let isOriginal = ["llava-orig", "yi-vl", "qwen", "vary"].contains { name.hasPrefix($0) }
    return switch path.last {
    case "vocab_size": path.first == "vision_config" || path.count == 1 && !isOriginal
    case "intermediate_size": name.hasPrefix("qwen") || name.hasPrefix("vary") || path.first == "high_res_vision_config"
    case "num_hidden_layers": (name.hasPrefix("llava") || name.hasPrefix("yi")) && (path.first == "vision_config" || file != "model/config.json")
    default: path.first == "aligner_config"
    }
  }

  static func numbers(_ json: JSONValue, _ path: [String] = []) -> [([String], Int)] {
    if let number = json.int { return [(path, number)] }
    return (json.object?.members ?? []).flatMap { numbers($0.value, path + [$0.key]) }
  }

  static func setting(_ json: JSONValue, _ path: ArraySlice<String>, _ value: Int) -> JSONValue {
    guard let key = path.first else { return .int(value) }
    var object = JSONObject()
    for member in json.object?.members ?? [] { object.append(member.key, member.key == key ? setting(member.value, path.dropFirst(), value) : member.value) }
    return .object(object)
  }
}

/// Requests that cannot be, to every family.
struct BadRequestTests {
  static func load(_ name: String) throws -> LoadedModel {
    try Recorded.loader.load(#require(Golden.find(name)) + "/model", on: Backends().open("cpu", BackendOptions()))
  }

  static func image(_ width: Int, _ height: Int, _ loaded: LoadedModel, channels: Int = 3) -> ImageInput {
    loaded.input(PixelImage(width: width, height: height, channels: channels, pixels: [UInt8](repeating: 77, count: width * height * channels)))
  }

  @Test(arguments: DamageTests.names) func slotsAndPicturesAreAsMany(_ name: String) throws {
    let loaded = try Self.load(name)
    let generator = try Generator(loaded, features: FeatureCache())
    let marker = try #require(loaded.processor?.imageMarker)
    let one = Self.image(8, 8, loaded)
    let two = ChatMessage(.user, [.image(0), .image(1), .text("x")])
    for (prompt, images) in [
      (.chat([two]), [one]), (.chat([ChatMessage(.user, [.image(0), .text("x")])]), [one, one]), (.chat([ChatMessage(.user, "x")]), [one]), (.chat([two]), []),
      (.raw(marker + marker), [one]), (.raw("x"), [one]), (.raw(marker), []),
    ] as [(GenerationRequest.Prompt, [ImageInput])] {
      expectError(.request, "slots") { _ = try generator.prepare(GenerationRequest(prompt, images: images)) }
    }
  }

  /// The smallest and the longest pictures are looked at, or refused with a reason.
  @Test(arguments: DamageTests.names) func picturesOfAnyShape(_ name: String) throws {
    let loaded = try Self.load(name)
    let generator = try Generator(loaded, features: FeatureCache())
    for (width, height) in [(1, 1), (16_384, 1), (1, 16_384), (2, 1)] {
      for channels in [3, 4] {
        do {
          let request = GenerationRequest(.chat([ChatMessage(.user, [.image(0), .text("x")])]), images: [Self.image(width, height, loaded, channels: channels)])
          let prepared = try generator.prepare(request)
          let sequence = try TokenSequence(loaded, capacity: prepared.prompt.count + 2)
          let rows = try sequence.perceive(prepared.images[0]).rows
          #expect(rows.count % prepared.images[0].layout.tokens == 0)
          #expect(rows.filter(\.isFinite).count == rows.count)
        } catch {
          #expect(error.kind == .request || error.kind == .limit, "\(name) \(width)x\(height): \(error)")
        }
      }
    }
  }

  @Test(.enabled(if: Golden.has("qwen-vl-chat-single")), arguments: ["<img>a", "<img>a</img", "<img><img></img>", "</img>x<img>", "<img>a</img></img>"])
  func framesOfPicturesAreClosed(_ text: String) throws {
    let loaded = try Self.load("qwen-vl-chat-single")
    let generator = try Generator(loaded, features: FeatureCache())
    expectError(.request, "img") { _ = try generator.prepare(GenerationRequest(.raw(text), images: [Self.image(8, 8, loaded)])) }
  }
}

/// Tables with fewer rows than the tokens that pictures need.
struct ShortVocabularyTests {
  static func folder(_ name: String) throws -> any ModelFolder { try Recorded.loader.folder(#require(Golden.find(name)) + "/model") }

  @Test(.enabled(if: Golden.has("qwen-vl-chat-single"))) func qwens() throws {
    let folder = try Self.folder("qwen-vl-chat-single")
    var c = try QwenVL.config(folder)
    c.text.vocabularySize = 600
    expectError(.config, "600", "<imgpad>") { _ = try QwenVL.processor(c, folder) }
  }

  @Test(.enabled(if: Golden.has("flamingo-mpt1b-single"))) func flamingos() throws {
    let folder = try Self.folder("flamingo-mpt1b-single")
    var c = try Flamingo.config(folder)
    c.text.vocabularySize -= 30
    expectError(.config, "embeddings", "<image>") { _ = try Flamingo.processor(c, folder) }
  }

  @Test(.enabled(if: Golden.has("flamingo-idefics-single"))) func idefics() throws {
    let folder = try Self.folder("flamingo-idefics-single")
    var c = try IDEFICS.config(folder)
    c.text.additionalVocabulary = 0
    expectError(.config, "without <image>") { _ = try IDEFICS.processor(c, folder) }
  }
}

/// The YAML files that MiniGPT-4 is put together from, by somebody who means ill.
struct HostileYAMLTests {
  static let deepAnchors = (0..<1000).map { "a\($0): &a\($0)\n  <<: *a\(max(0, $0 - 1))\n" }.joined()
  static let deepMerges = "model:\n  arch: minigpt4\n  x: " + String(repeating: "{<<: ", count: 1000) + "{a: 1}" + String(repeating: "}", count: 1000)
  static let deepMappings = "model:\n" + (1...1000).map { String(repeating: " ", count: $0) + "m:\n" }.joined() + String(repeating: " ", count: 1001) + "x\n"
  static let laughs = (0..<1000).map { $0 == 0 ? "l0: &l0 [x, x]" : "l\($0): &l\($0) [*l\($0 - 1), *l\($0 - 1)]" }.joined(separator: "\n")

  @Test(.timeLimit(.minutes(1)), arguments: [
    ("model: &m\n  arch: minigpt4\n", AviaryError.Kind.format, deepAnchors + "b: *a999\n"), ("", .limit, deepMerges), ("", .limit, deepMappings), ("", .format, laughs),
  ])
  func aThousandLevelsAreAnError(_ head: String, _ kind: AviaryError.Kind, _ text: String) throws {
    let folder = try TemporaryFolder()
    try folder.write("minigpt4_eval.yaml", head + text)
    do {
      _ = try MiniGPT4.config(Recorded.loader.folder(folder.path))
      Issue.record("no error")
    } catch {
      #expect([.format, .limit].contains(error.kind), "\(error)")
      #expect(error.description.contains("minigpt4_eval.yaml"), "\(error)")
    }
  }
}

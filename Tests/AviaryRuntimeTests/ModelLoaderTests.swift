import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

struct ModelLoaderTests {
  static let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))

  static func folder(_ config: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.write("config.json", config)
    return folder
  }

  static func load(_ folder: TemporaryFolder) throws { _ = try loader.load(folder.path, on: Reference()) }

  @Test func anUnknownModelTypeListsTheKnownOnes() throws {
    let folder = try Self.folder(#"{"model_type": "mamba", "architectures": ["MambaForCausalLM"]}"#)
    expectError(.config, "MambaForCausalLM, mamba", "llava (llava, llava_next", "yi-vl (", "LlavaForConditionalGeneration", "config.json") { try Self.load(folder) }
    expectError(.config, "no model_type") { try Self.load(Self.folder("{}")) }
  }

  /// Configurations that are hostile as a whole file: trust, group D.
  static let hostile: [(name: String, text: String, kind: AviaryError.Kind, parts: [String])] = [
    ("hugeInt", #"{"model_type": 99999999999999999999999999}"#, .config, ["config.json: model_type", "a string"]),
    ("infinite", #"{"a": 1e999}"#, .format, ["config.json", "1e999"]), ("nan", #"{"a": NaN}"#, .format, ["config.json", "NaN"]),
    ("depth", String(repeating: #"{"a":"#, count: 5000), .limit, ["config.json", "64"]), ("duplicateKeys", #"{"model_type": "llava", "model_type": "bert"}"#, .format, ["model_type"]),
    ("negativeLayers", #"{"model_type": "llava", "vision_config": {}, "text_config": {"num_hidden_layers": -1}}"#, .config, ["config.json: text_config.num_hidden_layers", "-1"]),
    ("stringForInt", #"{"model_type": "llava", "vision_config": {"hidden_size": "1024"}, "text_config": {}}"#, .config, ["config.json: vision_config.hidden_size", #""1024""#]),
    ("byteOrderMark", "\u{feff}{}", .format, ["config.json", "byte-order mark"]), ("trailingGarbage", #"{"model_type": "llava"} rm -rf"#, .format, ["config.json"]),
    ("architecturesNoList", #"{"architectures": "LlavaForConditionalGeneration"}"#, .config, ["config.json: architectures", "an array"]),
    ("noObject", "[]", .config, ["config.json", "an object"]),
  ]

  @Test(arguments: hostile.indices) func aHostileConfigurationIsAnError(_ index: Int) throws {
    let (name, text, kind, parts) = Self.hostile[index]
    let folder = try Self.folder(text)
    do {
      try Self.load(folder)
      Issue.record("\(name) was loaded")
    } catch let error as AviaryError {
      #expect(error.kind == kind, "\(name): \(error)")
      #expect(error.exitCode == 2)
      for part in parts { #expect(error.description.contains(part), "\(name): \(error)") }
    }
  }

  @Test func aConfigurationOver16MiBIsRefusedUnread() throws {
    let folder = try Self.folder("{\"a\": \"" + String(repeating: "x", count: 17 << 20) + "\"}")
    expectError(.limit, "config.json", "16777216") { try Self.load(folder) }
  }

  @Test func aFolderWithoutConfigurationSaysSo() throws {
    expectError(.file, "no config.json", "a model folder with config.json") { try Self.load(TemporaryFolder()) }
    expectError(.file, "no folder or file", "/nonexistent/model") { _ = try Self.loader.load("/nonexistent/model", on: Reference()) }
  }

  @Test func aCheckpointsOwnCodeIsNeverRunAndThatIsSaid() throws {
    let source = try #require(Golden.find("llava-hf-single"))
    let folder = try TemporaryFolder()
    try folder.copy(source + "/model", leavingOut: { $0 == "config.json" })
    let plain = try #require(try JSONParser.parse(file: source + "/model/config.json").object)
    var changed = JSONObject()
    for (key, value) in plain.members { changed.append(key, value) }
    var map = JSONObject()
    map.append("AutoModel", .string("modeling_evil.Evil"))
    changed.append("auto_map", .object(map))
    try folder.write("config.json", .object(changed))
    try folder.write("modeling_evil.py", "raise SystemExit('run')")
    let loaded = try Self.loader.load(folder.path, on: Reference())
    #expect(loaded.notices.count == 1)
    #expect(loaded.notices.first?.contains("auto_map") == true)
    #expect(try Self.loader.load(source + "/model", on: Reference()).notices == [])
  }

  @Test(arguments: ["../../etc/passwd", "/etc", "a/../../b", ".", "", "vit\u{0}x"]) func aTowerOutsideOfTheFoldersIsRefused(tower: String) throws {
    let folder = try TemporaryFolder()
    var config = JSONObject()
    for (key, value) in [("model_type", "llava"), ("mm_vision_tower", tower)] { config.append(key, .string(value)) }
    try folder.write("config.json", .object(config))
    do {
      try Self.load(folder)
      Issue.record("the tower \(tower) was found")
    } catch let error as AviaryError {
      #expect([.format, .file, .config].contains(error.kind), "\(error)")
    }
  }

  @Test func samePicturesHaveOneKeyAndOtherShapesAnother() throws {
    let loaded = try TinyModel.seeing()
    let pixels = [UInt8](repeating: 7, count: 30 * 150 * 3)
    let wide = loaded.input(PixelImage(width: 150, height: 30, channels: 3, pixels: pixels))
    let tall = loaded.input(PixelImage(width: 30, height: 150, channels: 3, pixels: pixels))
    #expect(wide.key != tall.key)
    #expect(wide.key == loaded.input(PixelImage(width: 150, height: 30, channels: 3, pixels: pixels)).key)
    #expect(wide.key.utf8.count == 64)
  }

  @Test func backendsAreFoundByTheirIds() throws {
    #expect(try Backends().open("reference", BackendOptions()).capabilities.deviceName == "reference")
    expectError(.config, "no backend cuda", "one of", "reference") { _ = try Backends().open("cuda", BackendOptions()) }
  }
}

import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// A copy of a golden case whose checkpoint is changed, and what it computes.
final class Variant {
  private let folder: TemporaryFolder
  private var tensors: [StoredTensor]
  private var config: JSONValue
  var model: String { folder.path + "/model" }

  /// Copies a case; its main weights become one safetensors file.
  init(of name: String) throws {
    let source = try #require(Golden.find(name))
    folder = try TemporaryFolder()
    try folder.copy(source, leavingOut: { $0.hasPrefix("expected") || $0 == "request.json" })
    let weights = try Checkpoint.open(source + "/model")
    tensors = try weights.names.compactMap { try weights.tensor($0) }
    config = try JSONParser.parse(file: source + "/model/config.json")
    try folder.remove { $0.hasPrefix("model/") && ($0.hasSuffix(".safetensors") || $0.contains("pytorch_model")) && !$0.contains("/vit/") || $0.hasSuffix(".index.json") }
  }

  /// Gives tensors other names; nil drops one.
  func rename(_ name: (String) -> String?) {
    tensors = tensors.compactMap { tensor in
      name(tensor.name).map { StoredTensor(name: $0, shape: tensor.shape, dtype: tensor.dtype, pages: tensor.pages, offset: tensor.offset) }
    }
  }

  /// Adds a tensor, or replaces the one of that name.
  func put(_ name: String, _ shape: Shape, _ values: [Float]) throws {
    tensors.removeAll { $0.name == name }
    tensors.append(StoredTensor(name: name, shape: shape, dtype: .f32, pages: try OwnedPages(values, name: name), offset: 0))
  }

  func values(_ name: String) throws -> (shape: Shape, values: [Float]) {
    let tensor = try #require(tensors.first { $0.name == name })
    return (tensor.shape, tensor.floats())
  }

  /// Moves a tower's own tensors into the main file and takes its weights away.
  func takeIn(tower: String, prefix: String) throws {
    let source = try Checkpoint.open(folder.path + "/" + tower)
    for name in source.names where name.hasPrefix("vision_model.") {
      guard let tensor = try source.tensor(name) else { continue }
      tensors.append(StoredTensor(name: prefix + name, shape: tensor.shape, dtype: tensor.dtype, pages: tensor.pages, offset: tensor.offset))
    }
    try folder.remove { $0.hasPrefix(tower) && $0.hasSuffix(".bin") }
  }

  /// Sets a key of the configuration; nil removes it.
  func set(_ path: String..., to value: JSONValue?) { config = Self.set(config, path[...], value) }

  private static func set(_ json: JSONValue, _ path: ArraySlice<String>, _ value: JSONValue?) -> JSONValue {
    guard let key = path.first else { return json }
    var object = JSONObject()
    for member in json.object?.members ?? [] where member.key != key { object.append(member.key, member.value) }
    let inner = path.count > 1 ? set(json[key] ?? .object(JSONObject()), path.dropFirst(), value) : value
    if let inner { object.append(key, inner) }
    return .object(object)
  }

  /// Every number that a prompt with one picture leads to.
  struct Outputs: Equatable {
    let rows: [Float]
    let logits: [Float]
    let ids: [Int32]
  }

  func run() throws -> Outputs {
    try folder.write("model/config.json", config)
    try SafetensorsWriter.write(tensors, to: model + "/model.safetensors")
    return try Self.run(model)
  }

  static func run(_ model: String) throws -> Outputs {
    let loaded = try ModelLoader(Surroundings(environment: [:], home: "/nonexistent")).load(model, on: Reference())
    let processor = try #require(loaded.processor)
    let marker = try #require(processor.imageMarker)
    let pixels = (0..<20 * 31 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ $0 >> 4) }
    let image = loaded.input(PixelImage(width: 31, height: 20, channels: 3, pixels: pixels))
    let request = GenerationRequest(.raw("USER: \(marker)\nWhat is it? ASSISTANT:"), images: [image])
    let prepared = try Generator(loaded, features: FeatureCache()).prepare(request)
    let sequence = try TokenSequence(loaded, capacity: prepared.prompt.count + 4)
    let rows = try prepared.images.map { try sequence.perceive($0).rows }
    let media = rows.enumerated().map { PerceivedMedia(key: "\($0.offset)", rows: $0.element) }
    let logits = try sequence.prefill(prepared.prompt, media, allLogits: true).allLogits
    return Outputs(rows: rows.flatMap { $0 }, logits: logits, ids: prepared.prompt.inputIDs)
  }
}

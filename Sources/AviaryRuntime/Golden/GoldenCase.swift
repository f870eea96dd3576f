public import AviaryCore
import AviaryFormats
import AviaryMedia
public import AviaryTensor

/// A recorded run of a reference implementation: a checkpoint, a request, and what came of it.
public struct GoldenCase: Sendable {
  public let folder: String
  public let name: String
  public let request: GenerationRequest
  /// The exact text that the reference gave to its tokenizer.
  public let prompt: String?
  public let generatedText: String?
  /// Set where the record is of a part that ran alone, without a request: the `id` of its family.
  let component: String?
  /// Set where the record is of training, which has no request either.
  let training: TrainingCase?
  let imagePaths: [String]
  let expected: SafetensorsFile

  /// Reads `request.json`, `expected.json` and `expected.safetensors`.
  ///
  /// - Throws: `.file`, `.format` or `.config` with the place.
  public init(_ folder: String, limits: Limits = .standard) throws(AviaryError) {
    self.folder = folder
    name = folder.split(separator: "/").last.map(String.init) ?? folder
    let hasRequest = try ContainedPath.find("request.json", in: folder, at: name) != nil
    var facts = ConfigReader.empty("expected.json")
    if try ContainedPath.find("expected.json", in: folder, at: name) != nil || hasRequest {
      facts = try ConfigReader(try JSONParser.parse(file: folder + "/expected.json", maxBytes: limits.configBytes), place: "expected.json")
    }
    let kind = try facts.optionalString("kind")
    let isComponent = !hasRequest && kind == "component"
    component = isComponent ? try facts.string("family") : nil
    let isTraining = !hasRequest && kind == "training"
    guard hasRequest || isComponent || isTraining else {
      throw AviaryError(.file, "no request.json", wanted: "a golden case's folder (model, request.json, expected.safetensors)", at: name)
    }
    let r: ConfigReader =
      hasRequest
      ? try ConfigReader(try JSONParser.parse(file: folder + "/request.json", maxBytes: limits.configBytes), place: "request.json")
      : .empty("request.json")
    expected = try SafetensorsFile(path: folder + "/expected.safetensors", limits: limits)
    training = isTraining ? try TrainingCase(folder, facts, expected, name: name) : nil
    let conversation = try MessageReader.read(r)
    imagePaths = conversation.imagePaths
    var request = GenerationRequest(.chat(conversation.messages))
    request.maxTokens = try r.int("max_tokens", default: 20, in: 0...limits.contextTokens)
    request.sampling.temperature = try r.number("temperature", default: 0, in: 0...100)
    request.sampling.repetitionPenalty = try r.number("repetition_penalty", default: 1, in: 0.01...100)
    request.stop = if let one = r.value("stop")?.string { [one] } else { try r.strings("stop") }
    request.options.trustsText = true
    request.options.imageNames = conversation.imagePaths
    request.options.style = try r.optionalString("conversation_template")
    self.request = request
    prompt = try r.optionalString("prompt")
    generatedText = try facts.optionalString("generated_text")
  }

  public var modelFolder: String { folder + "/model" }

  /// The ids that the reference's tokenizer gave, placeholders as it writes them.
  public func recordedIDs() throws(AviaryError) -> [Int32]? { try integers("input_ids")?.map { Int32(truncatingIfNeeded: $0) } }

  /// The request with its pictures decoded.
  public func requestWithImages(_ loaded: LoadedModel, _ limits: Limits = .standard) throws(AviaryError) -> GenerationRequest {
    var request = request
    for path in imagePaths { request.images.append(loaded.input(try ImageFile.load(folder + "/" + path, limits: limits))) }
    return request
  }

  /// Every recorded tensor of floats.
  func allFloats() throws(AviaryError) -> [RecordedTensor] {
    var tensors: [RecordedTensor] = []
    for name in expected.names {
      guard let tensor = try expected.tensor(name), tensor.dtype.isFloat else { continue }
      tensors.append(RecordedTensor(name, tensor.shape.dims, .floats(tensor.floats())))
    }
    return tensors
  }

  func floats(_ name: String) throws(AviaryError) -> [Float]? { try expected.tensor(name)?.floats() }
  func integers(_ name: String) throws(AviaryError) -> [Int64]? { try expected.tensor(name)?.integers() }
}

extension StoredTensor {
  /// The elements of an integer tensor.
  func integers() -> [Int64]? {
    let bytes = bytes
    switch dtype {
    case .i64: return (0..<shape.elements).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self) }
    case .u8, .bool: return bytes.map { Int64($0) }
    case .i32: return (0..<shape.elements).map { Int64(bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self)) }
    default: return nil
    }
  }
}

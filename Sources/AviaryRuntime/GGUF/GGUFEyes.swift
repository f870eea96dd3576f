import AviaryCore
import AviaryFormats
import AviaryTensor

/// A projector file (`mmproj-*.gguf`): a CLIP tower and what leads from it to a language model. It says what the original
/// layout of LLaVA says in `config.json` and in the tower's folder.
struct GGUFEyes: ModelFolder {
  /// What the configuration calls the tower.
  static let towerName = "mmproj"

  let file: GGUFFile
  let name: String
  private let vision: JSONObject
  private let swapped: Bool

  /// - Throws: `.config` for a projector that is none of LLaVA's and Yi-VL's, and for sizes that cannot be.
  init(_ file: GGUFFile) throws(AviaryError) {
    self.file = file
    name = file.metadata.place
    let m = file.metadata
    let _: Bool = try m.choice("general.architecture", of: [("clip", true)])
    let _: Bool = try m.choice("clip.projector_type", default: "mlp", of: [("mlp", true), ("mlp_norm", true)])
    func size(_ key: String, in range: ClosedRange<Int>) throws(AviaryError) -> Int { try m.int("clip.vision.\(key)", in: range) }
    var vision = JSONObject()
    vision.append("model_type", .string("clip_vision_model"))
    let width = try size("embedding_length", in: 1...16_384)
    for (key, value) in [
      ("hidden_size", width), ("intermediate_size", try size("feed_forward_length", in: 1...262_144)),
      ("num_hidden_layers", try size("block_count", in: 1...256)), ("num_attention_heads", try size("attention.head_count", in: 1...256)),
      ("image_size", try size("image_size", in: 1...4096)), ("patch_size", try size("patch_size", in: 1...1024)),
    ] { vision.append(key, .int(value)) }
    vision.append("layer_norm_eps", .double(try m.number("clip.vision.attention.layer_norm_epsilon", in: 0...1)))
    let (gelu, silu) = (try m.bool("clip.use_gelu", default: false), try m.bool("clip.use_silu", default: false))
    vision.append("hidden_act", .string(gelu ? "gelu" : silu ? "silu" : "quick_gelu"))
    self.vision = vision
    // No key tells the two namings apart: llama.cpp looks at the matrix, and so must we.
    swapped = try file.tensor("v.blk.0.ffn_down.weight").map { $0.shape.count == 2 && $0.shape[1] == width } ?? false
  }

  func json(_ file: String) throws(AviaryError) -> JSONValue? {
    switch file {
    case "config.json": return .object(vision)
    case "preprocessor_config.json":
      var c = JSONObject()
      for key in ["image_mean", "image_std"] {
        let values = try self.file.metadata.numbers("clip.vision.\(key)", count: 3, default: [])
        guard values.isEmpty || key == "image_mean" || values.allSatisfy({ $0 > 0 }) else {
          throw AviaryError(.config, "a deviation of \(values.min() ?? 0)", wanted: "numbers above 0", at: "\(name): clip.vision.\(key)")
        }
        if !values.isEmpty { c.append(key, .array(values.map { .double($0) })) }
      }
      return .object(c)
    default: return nil
    }
  }

  func weights() throws(AviaryError) -> any WeightSource {
    RenamedSource(file, GGUFNames.tower(layers: vision["num_hidden_layers"]?.int ?? 0, swapped: swapped))
  }

  func projector() -> any WeightSource { RenamedSource(file, GGUFNames.projector) }

  /// Adds to a language model's configuration what LLaVA's original layout has there.
  ///
  /// - Throws: `.config` where the projector leads to another width than the language model's.
  func complete(_ c: inout JSONObject, width: Int) throws(AviaryError) {
    let m = file.metadata
    c.append("mm_vision_tower", .string(GGUFEyes.towerName))
    c.append("mm_hidden_size", vision["hidden_size"] ?? .null)
    let hasNorms = try file.tensor("mm.4.weight") != nil
    let isDeep = try file.tensor("mm.2.weight") != nil
    c.append("mm_projector_type", .string(hasNorms ? "mlp2x_gelu_Norm" : isDeep ? "mlp2x_gelu" : "linear"))
    let last = hasNorms ? "mm.4.weight" : isDeep ? "mm.2.weight" : "mm.0.weight"
    guard let end = try file.tensor(last), end.shape[0] == width else {
      throw AviaryError(
        .config, "the projector \(last) leads to \(try file.tensor(last).map { "\($0.shape)" } ?? "nothing")", wanted: "the language model's width \(width)", at: name)
    }
    var layer = -2
    if let layers = try m.array("clip.vision.feature_layer", orOne: true, maxCount: 64) {
      // Counted from 1 behind the embeddings, which is where the states of the original are counted as well.
      guard layers.count == 1, let only = layers[0].int, 1...1024 ~= only else {
        throw AviaryError(.config, "\(layers.count) feature layers", wanted: "one", at: "\(name): clip.vision.feature_layer")
      }
      layer = only
    }
    c.append("mm_vision_select_layer", .int(layer))
    let pinpoints = try m.array("clip.vision.image_grid_pinpoints", maxCount: 2048)
    guard let pinpoints, !pinpoints.isEmpty else {
      c.append("image_aspect_ratio", .string("pad"))
      return
    }
    guard pinpoints.count % 2 == 0 else {
      throw AviaryError(.config, "\(pinpoints.count) grid sizes", wanted: "pairs", at: "\(name): clip.vision.image_grid_pinpoints")
    }
    c.append("image_aspect_ratio", .string("anyres"))
    c.append("mm_patch_merge_type", .string(try m.string("clip.vision.mm_patch_merge_type", default: "spatial_unpad")))
    c.append("image_grid_pinpoints", .array(stride(from: 0, to: pinpoints.count, by: 2).map { .array([pinpoints[$0], pinpoints[$0 + 1]]) }))
  }

  func part(_ name: String) throws(AviaryError) -> any ModelFolder {
    throw AviaryError(.file, "a projector file has no part \(name)", at: self.name)
  }

  func tokenizer(adding tokens: [String]) throws(AviaryError) -> any Tokenizer {
    throw AviaryError(.request, "a projector file", wanted: "a language model's file, with this one beside it", at: name)
  }

  func promptTemplate() throws(AviaryError) -> (any PromptTemplate)? { nil }
}

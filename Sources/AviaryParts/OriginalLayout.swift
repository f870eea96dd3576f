public import AviaryCore
import AviaryNN
public import AviaryTensor

/// The layout in which haotian-liu/LLaVA publishes checkpoints, and which Yi-VL took over: the decoder's flat configuration
/// with `mm_*` keys, the projector among the language model's tensors, the vision tower in another folder.
public struct OriginalLayout: Sendable, Hashable {
  public var text: DecoderConfig
  public var vision: CLIPConfig
  public var features: FeatureLayers
  /// `mlp2x_gelu`, `linear`, `mlp2x_gelu_Norm`.
  public var projectorType: String
  /// Folder of the tower as the configuration names it.
  public var tower: String
  /// `pad`, `anyres`, or nil.
  public var aspectRatio: String?
  public var gridPinpoints: [[Int]]
  /// Whether the map of tiles is cut back to the picture and gets newlines (`spatial_unpad`).
  public var unpads: Bool
  /// The picture is wrapped into `<im_start>` and `<im_end>`.
  public var usesStartEnd: Bool

  /// Reads `config.json` and the tower's.
  public init(_ folder: any ModelFolder) throws(AviaryError) {
    let c = try folder.config()
    text = try Self.decoder(c)
    tower = try c.string("mm_vision_tower")
    let towerConfig = try folder.part(tower).config()
    vision = try CLIPConfig(try towerConfig.object("vision_config") ?? towerConfig)
    let select = try c.choice("mm_vision_select_feature", default: "patch", of: [("patch", false), ("cls_patch", true)])
    let layer = try c.int("mm_vision_select_layer", default: -2, in: -1024...1024)
    features = try FeatureLayers([layer], of: vision.layers, keepsClassToken: select, at: "config.json: mm_vision_select_layer")
    projectorType = try c.string("mm_projector_type", default: "linear")
    aspectRatio = try c.optionalString("image_aspect_ratio")
    gridPinpoints = try GridPinpoints.read(c)
    unpads = try c.string("mm_patch_merge_type", default: "flat") == "spatial_unpad"
    usesStartEnd = try c.bool("mm_use_im_start_end", default: false)
    let declared = try c.int("mm_hidden_size", default: vision.hiddenSize, in: 1...65_536)
    guard declared == vision.hiddenSize else {
      throw AviaryError(.config, "mm_hidden_size \(declared)", wanted: "\(vision.hiddenSize), the tower's hidden_size", at: "config.json")
    }
  }

  /// The classes of the original code are named after their decoders.
  private static func decoder(_ c: ConfigReader) throws(AviaryError) -> DecoderConfig {
    try c.string("model_type", default: "llava").hasSuffix("_mpt") ? .mpt(try MPTConfig(c, ofOtherType: true)) : .llama(try LlamaConfig(c))
  }

  /// The main files' tensors, with the tower's from its own folder unless the main files hold a tuned one.
  public func weights(_ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let main = try folder.weights()
    let base = text.scope + "."
    let inner = base + "vision_tower.vision_tower."
    let rules: [NameMap.Rule] = [
      .ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq"),
      .prefix(inner + "vision_model.", "vision_tower.vision_model."), .ignorePrefix(inner),
      .prefix(base + "mm_projector.", "multi_modal_projector."), .exact(base + "image_newline", "image_newline"),
      .prefix("vision_model.", "vision_tower.vision_model."),
      // A whole CLIP: its text half is not for us.
      .ignorePrefix("text_model."), .ignorePrefix("visual_projection."), .ignorePrefix("text_projection."),
      .ignorePrefix("logit_scale"),
    ] + text.names(from: "", to: "language_model.")
    let map = NameMap(unusedTowerRules + rules)
    if main.names.contains(where: { $0.hasPrefix(inner) }) { return (main, map) }
    return (try MergedSource([.init(main), .init(try folder.part(tower).weights())]), map)
  }

  /// Layers behind the features are in the file and never run.
  private var unusedTowerRules: [NameMap.Rule] {
    ["", "\(text.scope).vision_tower.vision_tower."].flatMap { scope in
      ClipNames.unused(below: scope + "vision_model.", vision, features)
    }
  }

  /// The projector that `mm_projector_type` names, in the numbering of PyTorch's Sequential.
  ///
  /// - Throws: `.config` for a type that nobody published.
  public func projector(_ w: Weights) throws(AviaryError) -> MLPProjector {
    let specs: [MLPProjector.Spec]
    switch projectorType {
    case "linear": specs = [.linear("")]
    case "mlp2x_gelu": specs = [.linear("0"), .activation(.gelu), .linear("2")]
    case "mlp3x_gelu": specs = [.linear("0"), .activation(.gelu), .linear("2"), .activation(.gelu), .linear("4")]
    case "mlp2x_gelu_Norm": specs = [.linear("0"), .norm("1"), .activation(.gelu), .linear("3"), .norm("4")]
    default:
      throw AviaryError(
        .config, "projector type \(projectorType)", wanted: "linear, mlp2x_gelu, mlp3x_gelu or mlp2x_gelu_Norm", at: "config.json: mm_projector_type")
    }
    return try MLPProjector(w, vision.hiddenSize * features.indices.count, text.width, specs)
  }
}

/// `image_grid_pinpoints`, a list of pairs.
public enum GridPinpoints {
  /// What LlavaNextConfig of Hugging Face has where a file leaves the key out.
  public static let published = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]

  public static func read(_ c: ConfigReader) throws(AviaryError) -> [[Int]] {
    guard let items = try c.array("image_grid_pinpoints", maxCount: 1024) else { return [] }
    var points: [[Int]] = []
    for item in items {
      let pair = (item.array ?? []).compactMap(\.int)
      guard pair.count == 2, item.array?.count == 2, pair.allSatisfy({ (1...65_536).contains($0) }) else {
        throw AviaryError(.config, item.kindDescription, wanted: "a pair of sizes", at: "\(c.place): image_grid_pinpoints")
      }
      points.append(pair)
    }
    return points
  }
}

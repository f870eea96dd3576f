public import AviaryCore
public import AviaryTensor

/// The vision encoders that a configuration may name, for models that are put together by configuration alone.
public enum EncoderConfig: Sendable, Hashable {
  case clip(CLIPConfig, FeatureLayers)
  case openCLIP(OpenCLIPConfig)
  case sigLIP(SigLIPConfig)
  case sam(SAMConfig)

  private enum Kind { case clip, openCLIP, sigLIP, sam }

  /// `model_type` names the encoder; its other keys are those of its own configuration. CLIP also reads `feature_layer`
  /// (-2, as LLaVA) and `keeps_class_token`.
  ///
  /// - Throws: `.config` that lists the known types, or with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    let kind: Kind = try c.choice(
      "model_type", of: [("clip_vision_model", .clip), ("open_clip_vit", .openCLIP), ("siglip_vision_model", .sigLIP), ("sam_vision_model", .sam)])
    switch kind {
    case .clip:
      let sizes = try CLIPConfig(c)
      let layer = try c.int("feature_layer", default: -2, in: -1024...1024)
      self = .clip(
        sizes,
        try FeatureLayers([layer], of: sizes.layers, keepsClassToken: try c.bool("keeps_class_token", default: false), at: "\(c.place): feature_layer"))
    case .openCLIP: self = .openCLIP(try OpenCLIPConfig(c))
    case .sigLIP: self = .sigLIP(try SigLIPConfig(c))
    case .sam: self = .sam(try SAMConfig(c))
    }
  }

  /// Side of the pictures, in pixels.
  public var imageSide: Int {
    switch self {
    case .clip(let c, _): c.imageSize
    case .openCLIP(let c): c.imageSize
    case .sigLIP(let c): c.imageSize
    case .sam(let c): c.imageSize
    }
  }

  /// Side of the square of rows that a picture becomes.
  public var grid: Int {
    switch self {
    case .clip(let c, _): c.grid
    case .openCLIP(let c): c.grid
    case .sigLIP(let c): c.grid
    case .sam(let c): c.outputGrid
    }
  }

  /// Rows that a picture becomes.
  public var tokens: Int {
    if case .clip(_, let features) = self, features.keepsClassToken { return grid * grid + 1 }
    return grid * grid
  }

  /// Rules from the encoder's own names below a scope to those that `model` takes below another.
  public func names(from: String, to: String) -> [NameMap.Rule] {
    switch self {
    case .clip(let c, let features): ClipNames.unused(below: from, c, features) + [.ignoreSuffix("position_ids")]
    case .openCLIP(let c): OpenCLIPViT.names(c, from: from, to: to)
    case .sigLIP: [.ignorePrefix(from + "head."), .prefix(from, to)]
    case .sam(let c): SAMViT.names(c, from: from, to: to)
    }
  }

  public func model(_ w: Weights) throws(AviaryError) -> AnyEncoder {
    switch self {
    case .clip(let c, let features): AnyEncoder(try CLIPViT(w, c, features))
    case .openCLIP(let c): AnyEncoder(try OpenCLIPViT(w, c))
    case .sigLIP(let c): AnyEncoder(try SigLIP(w, c))
    case .sam(let c): AnyEncoder(try SAMViT(w, c))
    }
  }
}

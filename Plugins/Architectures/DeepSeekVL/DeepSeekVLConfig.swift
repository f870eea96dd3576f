import AviaryCore
public import AviaryParts
import AviaryTensor

extension DeepSeekVL {
  /// Sizes of the towers and the decoder. The original layout names its towers, and their sizes stand in its source
  /// code; keys beside the name override those.
  public struct Config: Sendable {
    public var text: LlamaConfig
    /// SigLIP, at 384 pixels.
    public var low: SigLIPConfig
    /// SAM, at 1024 pixels, where there are two towers.
    public var high: SAMConfig?
    /// What the branches do with the pixels in the original layout of two towers.
    public var highStatistics: PixelStatistics?
    public var lowStatistics: PixelStatistics?
    /// The id that stands for a picture's row; the original layout leaves it to the tokenizer.
    public var imageToken: Int32?

    public var isOriginal: Bool { imageToken == nil }
    /// Rows that a picture becomes.
    public var tokens: Int { low.grid * low.grid }

    init(_ c: ConfigReader) throws(AviaryError) {
      if let language = try c.object("language_config") {
        guard let vision = try c.object("vision_config"), let parameters = try vision.object("params") else {
          throw AviaryError(.config, "no vision_config.params", wanted: "the tower's parameters", at: "config.json")
        }
        text = try LlamaConfig(language)
        let isHybrid = try vision.choice("cls", of: [("CLIPVisionTower", false), ("HybridVisionTower", true)])
        guard isHybrid else {
          low = try Self.sigLIP(parameters)
          try checkAligner(c, "mlp_gelu")
          return
        }
        guard let highConfig = try parameters.object("high_res_cfg"), let lowConfig = try parameters.object("low_res_cfg") else {
          throw AviaryError(.config, "one tower", wanted: "high_res_cfg and low_res_cfg", at: parameters.place)
        }
        low = try Self.sigLIP(lowConfig)
        high = try Self.sam(highConfig)
        (highStatistics, lowStatistics) = (try PixelStatistics(highConfig), try PixelStatistics(lowConfig))
        try checkAligner(c, "low_high_hybrid_split_mlp_gelu")
      } else {
        guard let textConfig = try c.object("text_config"), let vision = try c.object("vision_config") else {
          throw AviaryError(
            .config, "neither language_config nor text_config and vision_config", wanted: "one of DeepSeek-VL's two layouts", at: "config.json")
        }
        text = try LlamaConfig(textConfig)
        text.tiesEmbeddings = try c.bool("tie_word_embeddings", default: true)
        low = try SigLIPConfig(vision)
        imageToken = Int32(try c.int("image_token_id", default: 100_015, in: 0...4_194_303))
        if try c.string("model_type", default: "deepseek_vl") == "deepseek_vl_hybrid" {
          guard let highConfig = try c.object("high_res_vision_config") else {
            throw AviaryError(.config, "no high_res_vision_config", wanted: "the second tower's sizes", at: "config.json")
          }
          var sam = try SAMConfig(highConfig)
          sam.downsampleChannels = [2 * sam.neckChannels, 4 * sam.neckChannels]
          sam.resizedSide = 4 * low.grid
          sam.hasSidePath = true
          high = sam
        }
      }
      try checkTowers(at: c.place)
    }

    private func checkTowers(at place: String) throws(AviaryError) {
      guard let high else { return }
      try high.check(at: place)
      guard high.outputGrid == low.grid else {
        throw AviaryError(
          .config, "\(high.outputGrid) x \(high.outputGrid) features of the first tower", wanted: "\(low.grid) x \(low.grid), those of the second",
          at: place)
      }
    }

    /// The aligner's own sizes must be those of tower and decoder.
    private func checkAligner(_ c: ConfigReader, _ type: String) throws(AviaryError) {
      try checkTowers(at: c.place)
      guard let p = try c.object("aligner_config")?.object("params") else { return }
      let _: Bool = try p.choice("projector_type", default: type, of: [(type, true)])
      let _: Bool = try p.choice("depth", default: 2, only: 2)
      let _: Bool = try p.choice("input_dim", default: low.hiddenSize, only: low.hiddenSize)
      let _: Bool = try p.choice("n_embed", default: text.hiddenSize, only: text.hiddenSize)
    }

    private static func sigLIP(_ c: ConfigReader) throws(AviaryError) -> SigLIPConfig {
      let name = try c.string("model_name", default: "siglip_large_patch16_384")
      let isLarge = name.hasPrefix("siglip_large_patch16")
      guard isLarge || c.has("width") else {
        throw AviaryError(.config, "a tower \(name)", wanted: "siglip_large_patch16_384", at: "\(c.place): model_name")
      }
      let width = try c.int("width", default: 1024, in: 1...16_384)
      let ratio = try c.number("mlp_ratio", default: 4, in: 0.01...64)
      let all = try c.int("layers", default: 24, in: 1...256)
      let select = try c.int("select_layer", default: -1, in: -256...256)
      let layers = min(all, select < 0 ? all + select + 1 : select)
      guard layers >= 0 else {
        throw AviaryError(.config, "select_layer \(select)", wanted: "\(-all - 1)...\(all), for a tower of \(all) layers", at: c.place)
      }
      return try SigLIPConfig(
        timmWidth: width, hidden: max(1, Int(Double(width) * ratio)), layers: layers, heads: try c.int("heads", default: 16, in: 1...256),
        patchSize: try c.int("patch_size", default: 16, in: 1...1024), imageSize: try c.int("image_size", default: 384, in: 1...4096), at: c.place)
    }

    private static func sam(_ c: ConfigReader) throws(AviaryError) -> SAMConfig {
      let name = try c.string("model_name", default: "sam_b_downsample")
      guard name == "sam_b_downsample" || c.has("width") else {
        throw AviaryError(.config, "a tower \(name)", wanted: "sam_b_downsample", at: "\(c.place): model_name")
      }
      var sam = SAMConfig()
      sam.width = try c.int("width", default: sam.width, in: 1...16_384)
      sam.mlpWidth = 4 * sam.width
      sam.layers = try c.int("layers", default: sam.layers, in: 1...256)
      sam.heads = try c.int("heads", default: sam.heads, in: 1...256)
      sam.imageSize = try c.int("image_size", default: sam.imageSize, in: 1...4096)
      sam.globalBlocks = try SAMConfig.indices(c, "global_attn_indexes") ?? sam.globalBlocks
      sam.neckChannels = try c.int("prompt_embed_dim", default: sam.neckChannels, in: 1...16_384)
      sam.downsampleChannels = try SAMConfig.indices(c, "downsample_channels") ?? [512, 1024]
      sam.resizedSide = 96
      sam.hasSidePath = true
      return sam
    }
  }
}

extension ConfigReader {
  /// A number that can only be one.
  fileprivate func choice(_ key: String, default fallback: Int, only wanted: Int) throws(AviaryError) -> Bool {
    try int(key, default: fallback, in: wanted...wanted) == wanted
  }
}

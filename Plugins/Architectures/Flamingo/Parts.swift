import AviaryCore
import AviaryParts
import AviaryTensor

extension Flamingo {
  /// Where the three downloads of a release are: `checkpoint.pt` in the folder, the others in folders in it or where a
  /// `config.json` says.
  public struct Parts: Sendable, Hashable {
    public var languageName: String
    public var visionName: String

    static let defaultLanguage = "lm"

    init(_ folder: any ModelFolder) throws(AviaryError) {
      let c = try folder.optionalConfig("config.json")
      languageName = try c?.optionalString("language_model") ?? Self.defaultLanguage
      visionName = try c?.optionalString("vision_tower") ?? "vision"
    }

    private static let trained = PublishedPart(
      "checkpoint.pt of an OpenFlamingo release, as openflamingo/OpenFlamingo-3B-vitl-mpt1b has it (licence: MIT)")
    private static let decoder = PublishedPart(
      "the language model of the release: anas-awadalla/mpt-1b-redpajama-200b or its dolly variant (3B), togethercomputer/RedPajama-INCITE-Base-3B-v1 or "
        + "Instruct (4B), anas-awadalla/mpt-7b (9B), all under licence Apache 2.0; of version 1 LLaMA-7B (licence: LLaMA's): config.json, weights and tokenizer")
    private static let tower = PublishedPart(
      "CLIP ViT-L/14, openai/clip-vit-large-patch14 (licence: MIT), or OpenAI's weights as open_clip saves them: configuration and weights")

    func language(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
      try Self.decoder.opened(absent: "no folder \(languageName)", at: folder.name) { () throws(AviaryError) in try folder.part(languageName) }
    }

    func vision(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
      try Self.tower.opened(absent: "no folder \(visionName)", at: folder.name) { () throws(AviaryError) in try folder.part(visionName) }
    }

    func languageWeights(_ folder: any ModelFolder) throws(AviaryError) -> any WeightSource {
      let part = try language(folder)
      return try Self.decoder.opened { () throws(AviaryError) in try part.weights() }
    }

    func languageConfig(_ folder: any ModelFolder) throws(AviaryError) -> ConfigReader {
      let part = try language(folder)
      return try Self.decoder.opened { () throws(AviaryError) in try part.config() }
    }

    func visionWeights(_ folder: any ModelFolder) throws(AviaryError) -> any WeightSource {
      let part = try vision(folder)
      return try Self.tower.opened { () throws(AviaryError) in try part.weights() }
    }

    func checkpoint(_ folder: any ModelFolder) throws(AviaryError) -> any WeightSource {
      try Self.trained.opened(absent: "no checkpoint.pt", at: folder.name) { () throws(AviaryError) in try folder.weights() }
    }

    /// The sizes of the tower, in open_clip's form or in Hugging Face's.
    func visionConfig(_ folder: any ModelFolder) throws(AviaryError) -> CLIPConfig {
      let tower = try vision(folder)
      if let c = try tower.optionalConfig("open_clip_config.json") { return try CLIPConfig(openCLIP: c) }
      let c = try Self.tower.opened { () throws(AviaryError) in try tower.config() }
      return try CLIPConfig(try c.object("vision_config") ?? c)
    }
  }
}

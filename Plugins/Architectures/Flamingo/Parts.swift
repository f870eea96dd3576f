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

    func language(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
      try Self.part(
        languageName, of: folder,
        "the language model of the release: anas-awadalla/mpt-1b-redpajama-200b or its dolly variant (3B), togethercomputer/RedPajama-INCITE-Base-3B-v1 or "
          + "Instruct (4B), anas-awadalla/mpt-7b (9B), all Apache 2.0: config.json, weights and tokenizer")
    }

    func vision(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
      try Self.part(visionName, of: folder, "CLIP ViT-L/14, openai/clip-vit-large-patch14 (MIT), or OpenAI's weights as open_clip saves them: configuration and weights")
    }

    func checkpoint(_ folder: any ModelFolder) throws(AviaryError) -> any WeightSource {
      do throws(AviaryError) { return try folder.weights() } catch {
        guard error.kind == .file else { throw error }
        throw AviaryError(
          .file, "no checkpoint.pt", wanted: "that of an OpenFlamingo release, as openflamingo/OpenFlamingo-3B-vitl-mpt1b (MIT) has it", at: folder.name)
      }
    }

    /// The sizes of the tower, in open_clip's form or in Hugging Face's.
    func visionConfig(_ folder: any ModelFolder) throws(AviaryError) -> CLIPConfig {
      let tower = try vision(folder)
      if let c = try tower.optionalConfig("open_clip_config.json") { return try CLIPConfig(openCLIP: c) }
      let c = try tower.config()
      return try CLIPConfig(try c.object("vision_config") ?? c)
    }

    private static func part(_ name: String, of folder: any ModelFolder, _ what: String) throws(AviaryError) -> any ModelFolder {
      do throws(AviaryError) { return try folder.part(name) } catch {
        guard error.kind == .file else { throw error }
        throw AviaryError(.file, "no folder \(name)", wanted: what, at: folder.name)
      }
    }
  }
}

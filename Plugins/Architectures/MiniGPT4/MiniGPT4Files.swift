import AviaryCore
import AviaryTensor

/// The files that a MiniGPT-4 is put together from, by different publishers.
public struct MiniGPT4Files: Sendable, Hashable {
  public var language: String
  public var vision: String
  public var qformer: String?
  public var projection: String

  /// `files` of config.json; or `llama_model`, `q_former_model` and `ckpt` of the repository's YAML files, of whose paths
  /// and addresses the last part counts.
  init(_ c: ConfigReader, _ variant: MiniGPT4.Variant) throws(AviaryError) {
    let isVicuna = variant == .vicuna
    let files = try c.object("files") ?? .empty("config.json: files")
    func name(_ key: String, _ yamlKey: String?, _ published: String) throws(AviaryError) -> String {
      if let own = try files.optionalString(key) { return own }
      guard let yamlKey, let path = try c.optionalString(yamlKey), let last = path.split(separator: "/").last else { return published }
      return String(last)
    }
    language = try name("llm", "llama_model", isVicuna ? "vicuna-7b" : "llama-2-7b-chat")
    vision = try name("vit", nil, "eva_vit_g.pth")
    qformer = isVicuna ? try name("qformer", "q_former_model", "blip2_pretrained_flant5xxl.pth") : nil
    projection = try name("projection", "ckpt", isVicuna ? "prerained_minigpt4_7b.pth" : "pretrained_minigpt4_llama2_7b.pth")
  }

  private var languagePart: PublishedPart { PublishedPart("the folder \(language) of Vicuna's or LLaMA 2's repository (licence: LLaMA's, of its version)") }

  /// The language model's folder.
  func languageFolder(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
    try languagePart.opened { () throws(AviaryError) in try folder.part(language) }
  }

  /// All of them as one source; what was trained last counts.
  func open(_ folder: any ModelFolder) throws(AviaryError) -> [MergedSource.Part] {
    let lavis = "the models of salesforce/LAVIS, BLIP2 (licence: BSD 3-Clause)"
    func file(_ name: String, _ origin: String) throws(AviaryError) -> any WeightSource {
      try PublishedPart("the file \(name) of \(origin)").opened { () throws(AviaryError) in try folder.weights(file: name) }
    }
    var parts = [MergedSource.Part(try file(projection, "Vision-CAIR/MiniGPT-4 (licence: BSD 3-Clause)"))]
    if let qformer { parts.append(MergedSource.Part(try file(qformer, lavis))) }
    parts.append(MergedSource.Part(try file(vision, lavis), prefix: "visual_encoder."))
    let decoder = try languageFolder(folder)
    parts.append(MergedSource.Part(try languagePart.opened { () throws(AviaryError) in try decoder.weights() }, prefix: "llama_model."))
    return parts
  }
}

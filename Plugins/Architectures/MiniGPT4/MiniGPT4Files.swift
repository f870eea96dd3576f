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

  /// The language model's folder.
  func languageFolder(_ folder: any ModelFolder) throws(AviaryError) -> any ModelFolder {
    try Self.naming("the folder \(language)", "Vicuna's or LLaMA 2's repository (licence: LLaMA's, of its version)") { () throws(AviaryError) in
      try folder.part(language)
    }
  }

  /// All of them as one source; what was trained last counts.
  func open(_ folder: any ModelFolder) throws(AviaryError) -> [MergedSource.Part] {
    let lavis = "the models of salesforce/LAVIS, BLIP2 (licence: BSD 3-Clause)"
    var parts = [MergedSource.Part(try Self.file(projection, folder, "Vision-CAIR/MiniGPT-4 (licence: BSD 3-Clause)"))]
    if let qformer { parts.append(MergedSource.Part(try Self.file(qformer, folder, lavis))) }
    parts.append(MergedSource.Part(try Self.file(vision, folder, lavis), prefix: "visual_encoder."))
    parts.append(MergedSource.Part(try languageFolder(folder).weights(), prefix: "llama_model."))
    return parts
  }

  private static func file(_ name: String, _ folder: any ModelFolder, _ origin: String) throws(AviaryError) -> any WeightSource {
    try naming("the file \(name)", origin) { () throws(AviaryError) in try folder.weights(file: name) }
  }

  /// A missing part's error says where it is published.
  private static func naming<T>(_ what: String, _ origin: String, _ open: () throws(AviaryError) -> T) throws(AviaryError) -> T {
    do throws(AviaryError) { return try open() } catch {
      guard error.kind == .file else { throw error }
      throw AviaryError(.file, error.found, wanted: "\(what) of \(origin)", at: error.place)
    }
  }
}

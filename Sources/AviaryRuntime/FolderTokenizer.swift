import AviaryCore
import AviaryTensor
import AviaryText

/// The tokenizer that a folder's files describe.
enum FolderTokenizer {
  static func load(_ folder: FolderOnDisk) throws(AviaryError) -> any Tokenizer {
    guard let json = try folder.json("tokenizer.json") else { throw AviaryError(.file, "no tokenizer") }
    let config = try folder.json("tokenizer_config.json")
    func token(_ key: String) -> String? { config?[key]?.string ?? config?[key]?["content"]?.string }
    return try TokenizerJSON(json, frame: TokenFrame(bos: token("bos_token"), eos: token("eos_token")), limits: folder.limits)
  }
}

import AviaryCore
import AviaryTensor

/// The configuration of models trained with LAVIS (Li et al. 2022), MiniGPT-4 among them: no `config.json`, but YAML
/// files whose `model` mapping has the name of the architecture (`arch`), sizes, and the files of weights.
enum LavisConfig {
  /// The `model` mappings of a folder's YAML files as one, with `arch` as `model_type`; nil where no file has one.
  ///
  /// - Throws: `.config` where two files say different things.
  static func read(_ folder: FolderOnDisk) throws(AviaryError) -> JSONValue? {
    var merged = JSONObject()
    for file in folder.files(ending: ".yaml") {
      guard let model = try folder.yaml(file)?["model"]?.object, let arch = model["arch"]?.string else { continue }
      for (key, value) in [("model_type", JSONValue.string(arch))] + model.members.map({ ($0.key == "model_type" ? "variant" : $0.key, $0.value) }) {
        if let other = merged[key] {
          guard other == value else {
            throw AviaryError(.config, "\(key) has two values in the YAML files", wanted: "one", at: "\(folder.name)/\(file): model.\(key)")
          }
        } else {
          merged.append(key, value)
        }
      }
    }
    return merged.members.isEmpty ? nil : .object(merged)
  }
}

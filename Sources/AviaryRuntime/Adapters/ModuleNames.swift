import AviaryCore

/// What a model's tensors are called outside: in its files, and by PEFT, which names the modules of Hugging Face's
/// current code even where the files are older.
struct ModuleNames: Sendable {
  let map: NameMap
  /// Canonical name to stored name.
  private(set) var stored: [String: String] = [:]

  init(_ source: any WeightSource, _ map: NameMap) {
    self.map = map
    for name in source.names {
      if let canonical = map.canonical(name), stored[canonical] == nil { stored[canonical] = name }
    }
  }

  /// The canonical name of a tensor under any name that the family's files use.
  func canonical(_ name: String) -> String? { map.canonical(name) }

  /// A weight's module as PEFT names it.
  func module(_ canonical: String) -> String {
    let name = stored[canonical] ?? canonical
    let current = Self.current.first { name.hasPrefix($0.0) }.map { $0.1 + name.dropFirst($0.0.count) }
    let chosen = current.flatMap { map.canonical($0) == canonical ? $0 : nil } ?? name
    return chosen.hasSuffix(".weight") ? String(chosen.dropLast(7)) : chosen
  }

  /// Prefixes of older files and of Hugging Face's current modules.
  private static let current = [
    ("language_model.model.", "model.language_model."), ("language_model.lm_head.", "lm_head."),
    ("vision_tower.vision_model.", "model.vision_tower."), ("vision_tower.", "model.vision_tower."),
    ("multi_modal_projector.", "model.multi_modal_projector."),
  ]
}

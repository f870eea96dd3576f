import AviaryCore
import AviaryTensor

/// Which linear layers an adapter changes, in PEFT's words.
enum LoRATargets: Sendable, Hashable {
  /// A regular expression for the whole module's name.
  case pattern(String)
  /// Last parts of names: `q_proj` fits `model.layers.0.self_attn.q_proj`.
  case names([String])

  /// Whether a module's name ends in that pattern, as PEFT matches names.
  static func isSuffix(_ pattern: String, of module: String) -> Bool { module == pattern || module.hasSuffix("." + pattern) }

  /// Canonical names of the weights that are meant.
  ///
  /// - Throws: `.config` for a pattern that is none, or where one of the names fits nothing, with the nearest.
  func weights(_ weights: ModelWeights, _ names: ModuleNames) throws(AviaryError) -> [String] {
    let candidates = Self.linear(weights, names)
    switch self {
    case .pattern(let text):
      guard let pattern = try? Regex(text) else { throw AviaryError(.config, "\(text) is no regular expression", wanted: "one", at: "lora.targets") }
      let hits = candidates.filter { (try? pattern.wholeMatch(in: $0.module)) != nil || (try? pattern.wholeMatch(in: $0.weight)) != nil }
      guard !hits.isEmpty else { throw Self.nothing(text, candidates) }
      return hits.map(\.weight)
    case .names(let wanted):
      var hits: Set<String> = []
      for name in wanted {
        let fitting = name == "all-linear" ? candidates : candidates.filter { Self.isSuffix(name, of: $0.module) || Self.isSuffix(name, of: $0.weight) }
        guard !fitting.isEmpty else { throw Self.nothing(name, candidates) }
        hits.formUnion(fitting.map(\.weight))
      }
      return candidates.map(\.weight).filter(hits.contains)
    }
  }

  private typealias Candidate = (weight: String, module: String)

  /// Matrices of the checkpoint that are no tables.
  private static func linear(_ weights: ModelWeights, _ names: ModuleNames) -> [Candidate] {
    weights.names.indices.compactMap { slot in
      let name = weights.names[slot]
      guard weights.shapes.all[slot].shape.count == 2, !weights.constants.contains(slot), name.hasSuffix(".weight"), !name.contains("embed"), !name.contains(".wte.") else { return nil }
      return (name, names.module(name))
    }
  }

  private static func nothing(_ wanted: String, _ candidates: [Candidate]) -> AviaryError {
    let last = Set(candidates.compactMap { $0.module.split(separator: ".").last.map(String.init) })
    let nearest = last.sorted { (Nearest.distance($0, wanted), $0) < (Nearest.distance($1, wanted), $1) }.prefix(3)
    return AviaryError(.config, "no linear layer is called \(wanted)", wanted: "one of \(nearest.joined(separator: ", ")), perhaps", at: "lora.targets")
  }
}

import AviaryCore
import AviaryTensor

/// Which tensors a stage trains.
enum TrainedParts {
  /// The part of a model that a tensor belongs to, by the scopes that families use.
  static func part(of name: String) -> String {
    let scopes = name.split(separator: ".").prefix(2).map(String.init)
    for scope in scopes {
      if scope.hasPrefix("vision") || scope == "low" || scope == "high" { return "vision" }
      if scope == "language_model" { return "language_model" }
      if scope.hasPrefix("perceiver") || scope.hasPrefix("gated_cross") || scope.hasPrefix("cross_attn") { return "adapter" }
    }
    return ["model", "lm_head"].contains(scopes.first ?? "") ? "language_model" : "adapter"
  }

  /// Slots of the tensors that the words mean: a part's name, a scope of canonical names, or `all`.
  ///
  /// - Throws: `.config` where a word fits nothing, with the nearest scopes.
  static func slots(_ words: [String], _ weights: ModelWeights) throws(AviaryError) -> [Int] {
    let all = weights.names.indices.filter { !weights.constants.contains($0) }
    var chosen: Set<Int> = []
    for word in words {
      let fitting = all.filter { slot in
        let name = weights.names[slot]
        return word == "all" || part(of: name) == word || name == word || name.hasPrefix(word + ".")
      }
      guard !fitting.isEmpty else {
        let scopes = Set(all.map { part(of: weights.names[$0]) } + all.compactMap { weights.names[$0].split(separator: ".").first.map(String.init) }).sorted()
        throw AviaryError(.config, "no part of the model is called \(word)", wanted: "\(Nearest.to(word, among: scopes)), perhaps; there are " + scopes.joined(separator: ", "), at: "train")
      }
      chosen.formUnion(fitting)
    }
    return chosen.sorted()
  }
}

import AviaryCore
import AviaryTensor

/// Parts of other checkpoints with which a new model begins, where all else is random: eyes that see already, a language model that speaks already.
struct BorrowedParts {
  private struct Place {
    var model: LoadedModel
    var slot: Int
  }
  /// By the new model's names.
  private var places: [String: Place] = [:]

  /// What two families call a part's tensors differs in front alone where they have the same part, so that each is found by what stands behind.
  ///
  /// - Parameter weights: the new model's.
  /// - Throws: `.config` where a model has no such part, `.weights` where a tensor is missing there or has another shape.
  init(_ starts: [TrainConfig.Start], for weights: ModelWeights, _ loader: ModelLoader) throws(AviaryError) {
    for start in starts {
      let other = try loader.load(start.model, on: Reference())
      let (wanted, given) = (Self.named(try TrainedParts.slots([start.part], weights), weights), Self.named(try TrainedParts.slots([start.part], other.weights), other.weights))
      let found = Dictionary(given, uniquingKeysWith: { first, _ in first })
      for (name, slot) in wanted {
        let shape = weights.shapes.all[slot].shape, source = found[name].map { ($0, other.weights.shapes.all[$0].shape) }
        guard let source, source.1 == shape else {
          throw AviaryError(
            .weights, "\(start.part) of \(start.model) has " + (source.map { "\(name) of \($0.1)" } ?? "no \(name)"), wanted: "\(shape), as \(weights.names[slot]) is",
            at: "init: \(start.part)")
        }
        places[weights.names[slot]] = Place(model: other, slot: source.0)
      }
    }
  }

  /// The numbers of a tensor, nil where no other checkpoint has it.
  func callAsFunction(_ name: String) throws(AviaryError) -> [Float]? {
    guard let place = places[name] else { return nil }
    return try place.model.floats(place.slot)
  }

  /// Slots by what their names have behind the scopes that all of them share.
  private static func named(_ slots: [Int], _ weights: ModelWeights) -> [(String, Int)] {
    let paths = slots.map { weights.names[$0].split(separator: ".") }
    let shortest = paths.map(\.count).min() ?? 0
    let shared = (0..<max(shortest - 1, 0)).prefix { depth in paths.allSatisfy { $0[depth] == paths[0][depth] } }.count
    return zip(paths, slots).map { ($0.dropFirst(shared).joined(separator: "."), $1) }
  }
}

import AviaryCore
import AviaryTensor

/// A batch's forward pass as nodes, with the inputs that they read.
struct StepGraph {
  private(set) var inputs: [GraphRunner.Input] = []
  private let graph: Graph
  private let model: any MultimodalModel
  private let batch: TrainingBatch

  init(_ graph: Graph, _ model: any MultimodalModel, _ batch: TrainingBatch) {
    (self.graph, self.model, self.batch) = (graph, model, batch)
  }

  private mutating func ints(_ values: [Int32]) -> Tensor {
    inputs.append(.ints(values))
    return graph.input(inputs.count - 1, [values.count], .i32)
  }

  mutating func floats(_ values: [Float], _ shape: Shape) -> Tensor {
    inputs.append(.floats(values))
    return graph.input(inputs.count - 1, shape, .f32)
  }

  /// The last hidden states of all rows: [sequences * length, width].
  mutating func hidden() -> Tensor { hidden(model) }

  private mutating func hidden(_ model: some MultimodalModel) -> Tensor {
    let language = model.language
    var x = language.embed(ints(batch.ids))
    let positions = ints(batch.positions)
    var media: MediaStep?
    var rows: [Tensor] = []
    for group in batch.views {
      let views = group.views.map { floats($0.values, Shape($0.shape)) }
      switch model.perceive(views, group.layout) {
      case .soft(let percept), .cross(let percept): rows.append(percept)
      case .tokens(let ids): rows.append(language.embed(ids))
      }
    }
    if !rows.isEmpty {
      let all = Tensor.concat(rows, axis: 0)
      if let shape = model.media, let seen = batch.seen {
        media = MediaStep(shape, rows: all, pictures: batch.images.count, seen: ints(seen))
      } else {
        x = x.scatterRows(all, at: ints(batch.places))
      }
    }
    let cache = CacheStates(sequences: batch.sequences, length: batch.length)
    return language(x, Step(positions: positions, cache: cache, regime: language.positionRegime(promptTokens: batch.length), media: media))
  }

  /// Logits of all rows: [sequences * length, vocabulary].
  mutating func allLogits() -> Tensor { model.language.logits(hidden()) }

  /// Sum of the trained rows' cross entropies [1, 1], their logits, and its derivative by these times `scale`.
  ///
  /// Only trained rows go through the head. The derivative is recorded here, as softmax minus the target's one, and not
  /// found by rules from the loss, which would lose precision where a probability is near one.
  mutating func loss(scale: Float) -> (loss: Tensor, logits: Tensor, cotangent: Tensor) {
    let chosen = hidden().gatherRows(ints(batch.rows))
    let logits = model.language.logits(chosen)
    let (n, vocabulary) = (logits.size(0), logits.size(1))
    let flat = ints(batch.flatTargets(vocabulary))
    let most = logits.reduce(.max)
    let exponentials = (logits - most).unary(.exp)
    let sum = exponentials.reduce(.sum)
    let own = (logits - most).reshaped(n * vocabulary, 1).gatherRows(flat)
    let loss = (sum.unary(.log) - own).reduce(.sum, axis: 0)
    let minus = graph.scalar(-1).expanded(to: [n, 1])
    let difference = (exponentials / sum).reshaped(n * vocabulary, 1).scatterAddRows(minus, at: flat)
    return (loss, logits, difference.reshaped(n, vocabulary) * floats([scale], [1, 1]))
  }
}

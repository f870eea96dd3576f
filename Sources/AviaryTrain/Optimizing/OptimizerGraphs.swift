import AviaryCore
import AviaryTensor

/// The optimiser's steps as graphs on the backend, chunk by chunk over the parameter store.
final class OptimizerGraphs {
  private let store: ParameterStore
  private let optimizer: Optimizer
  private let averages: Bool
  private let runner: GraphRunner
  private var norms: PlannedGraph?
  private var update: PlannedGraph?
  /// What is kept of a chunk, in the order of its states.
  private let kinds: [ParameterStore.Kind]
  private var statesPerChunk: Int { kinds.count + 1 }

  init(_ store: ParameterStore, _ optimizer: Optimizer, averages: Bool, on backend: any Backend) throws(AviaryError) {
    (self.store, self.optimizer, self.averages) = (store, optimizer, averages)
    kinds = [.value, .gradient] + (0..<optimizer.moments).map { .moment($0) } + (averages ? [.average] : [])
    var states: [BufferSlice] = []
    for chunk in store.chunks {
      states += kinds.map { store.slice($0, chunk.range) }
      // The copy in the stored type; the values again where there is none, so that slots stay evenly spaced.
      states.append(store.copy(chunk.dtype, chunk.range) ?? store.slice(.value, chunk.range))
    }
    runner = try GraphRunner(ModelWeights(shapes: [], slices: [], names: []), on: backend, states: states)
  }

  /// L2 norm of all gradients together.
  func gradientNorm() throws(AviaryError) -> Double {
    let planned: PlannedGraph
    if let norms { planned = norms } else {
      planned = try runner.plan { graph in
        let sums = store.chunks.indices.map { state(graph, $0, .gradient).unary(.square).reduce(.sum, axis: 0) }
        return [Tensor.concat(sums, axis: 0)]
      }
      norms = planned
    }
    let sums = try runner.run(planned, []).outputs[0]
    return sums.reduce(0.0) { $0 + Double($1) }.squareRoot()
  }

  /// One step of the optimiser.
  ///
  /// - Parameters:
  ///   - clip: what gradients are multiplied by.
  ///   - step: counted from 1.
  ///   - keep: share of the average that stays.
  func step(_ step: Int, rate: Double, clip: Double, keep: Double) throws(AviaryError) {
    let planned: PlannedGraph
    if let update { planned = update } else {
      planned = try runner.plan { graph in
        let factors = graph.input(0, [Factors.count], .f32)
        for chunk in store.chunks.indices { record(graph, chunk, factors) }
        // A graph needs an output; the effects on states are what is wanted.
        return [graph.scalar(0).contiguous()]
      }
      update = planned
    }
    try runner.execute(planned, [.floats(Factors.values(optimizer, step, rate, clip, keep))])
  }

  /// Numbers that change from step to step, by their place in the graph's input.
  private enum Factors {
    static let count = 6
    static func values(_ optimizer: Optimizer, _ step: Int, _ rate: Double, _ clip: Double, _ keep: Double) -> [Float] {
      let moving: [Double]
      switch optimizer {
      case .adamW(let adam):
        moving = [rate / (1 - raised(adam.beta1, step)), 1 / (1 - raised(adam.beta2, step)).squareRoot(), 1 - rate * adam.weightDecay]
      case .sgd(let sgd): moving = [rate, step == 1 ? 0 : sgd.momentum, sgd.weightDecay]
      }
      return ([clip] + moving + [keep, 1 - keep]).map { Float($0) }
    }
  }

  private func slot(_ chunk: Int, _ kind: ParameterStore.Kind) -> Int { chunk * statesPerChunk + (kinds.firstIndex(of: kind) ?? kinds.count) }

  private func state(_ graph: Graph, _ chunk: Int, _ kind: ParameterStore.Kind) -> Tensor {
    graph.state(slot(chunk, kind), [store.chunks[chunk].range.count], .f32)
  }

  private func write(_ value: Tensor, _ graph: Graph, _ slot: Int, _ dtype: DType = .f32) {
    _ = graph.state(slot, [1, value.size(0)], dtype).scatterRows(value.reshaped(1, -1), at: graph.iota(1))
  }

  private func record(_ graph: Graph, _ chunk: Int, _ factors: Tensor) {
    func factor(_ index: Int) -> Tensor { factors.slice(0, index..<index + 1) }
    let isDecaying = store.chunks[chunk].decays
    let value = state(graph, chunk, .value)
    let gradient = state(graph, chunk, .gradient) * factor(0)
    let new: Tensor
    switch optimizer {
    case .adamW(let adam):
      let first = state(graph, chunk, .moment(0)) * Float(adam.beta1) + gradient * Float(1 - adam.beta1)
      let second = state(graph, chunk, .moment(1)) * Float(adam.beta2) + gradient.unary(.square) * Float(1 - adam.beta2)
      let step = first * factor(1) / (second.unary(.sqrt) * factor(2) + Float(adam.epsilon))
      new = (isDecaying && adam.weightDecay > 0 ? value * factor(3) : value) - step
      write(first, graph, slot(chunk, .moment(0)))
      write(second, graph, slot(chunk, .moment(1)))
    case .sgd(let sgd):
      let whole = isDecaying && sgd.weightDecay > 0 ? gradient + value * factor(3) : gradient
      let moved = sgd.momentum > 0 ? state(graph, chunk, .moment(0)) * factor(2) + whole : whole
      new = value - moved * factor(1)
      if sgd.momentum > 0 { write(moved, graph, slot(chunk, .moment(0))) }
    }
    write(new, graph, slot(chunk, .value))
    if averages { write(state(graph, chunk, .average) * factor(4) + new * factor(5), graph, slot(chunk, .average)) }
    let dtype = store.chunks[chunk].dtype
    if dtype != .f32 { write(new, graph, chunk * statesPerChunk + kinds.count, dtype) }
  }
}

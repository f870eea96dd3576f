public import AviaryCore
public import AviaryTensor

/// Trains some of a model's weights: batches in, losses out. Everything that is computed runs as graphs on the backend.
///
/// Not Sendable: one thread at a time, as a `GraphRunner`.
public final class Trainer {
  public struct Options: Sendable, Hashable {
    public var optimizer = Optimizer.adamW(.init())
    /// Largest L2 norm of all gradients together; nil for no limit.
    public var clip: Double? = nil
    /// Weight decay acts on vectors (norms, biases) as well.
    public var decaysVectors = false
    /// Share of an average of the weights that a step keeps; nil keeps no average.
    public var averageKeep: Double? = nil
    /// Activations inside of blocks are computed again on the way back instead of kept.
    public var checkpointing = false
    /// Share of a low-rank addition's inputs that is dropped.
    public var dropout = 0.0
    public var seed: UInt64 = 0
    public init() {}
  }

  public let loaded: LoadedModel
  public let options: Options
  /// The model's weights, those that are trained in memory of their own.
  public let weights: ModelWeights
  /// Optimiser steps done.
  public private(set) var step = 0
  let store: ParameterStore
  private let runner: GraphRunner
  private let optimizer: OptimizerGraphs
  private var isFirst = true
  private var lastPass: (planned: PlannedGraph, inputs: [GraphRunner.Input])?
  /// Batches that went through, which dropout's numbers follow from.
  public private(set) var passes: UInt64 = 0

  /// - Parameters:
  ///   - weights: of the loaded model, perhaps with low-rank additions.
  ///   - slots: of those that are trained.
  /// - Throws: `.memory` where the backend has not enough; `.config` where nothing is trained.
  public init(_ loaded: LoadedModel, weights: ModelWeights? = nil, training slots: [Int], _ options: Options = Options()) throws(AviaryError) {
    guard !slots.isEmpty else { throw AviaryError(.config, "no weight is trained", wanted: "at least one", at: loaded.name) }
    let weights = weights ?? loaded.weights
    (self.loaded, self.options) = (loaded, options)
    let decaysVectors = options.decaysVectors
    let kinds: [ParameterStore.Kind] = (0..<options.optimizer.moments).map { .moment($0) } + (options.averageKeep == nil ? [] : [.average])
    let store = try ParameterStore(weights, slots, on: loaded.backend, kinds: kinds) { $0.shape.count >= 2 || decaysVectors }
    self.store = store
    self.weights = weights.replacing(store.modelSlices)
    optimizer = try OptimizerGraphs(store, options.optimizer, averages: options.averageKeep != nil, on: loaded.backend)
    runner = try GraphRunner(self.weights, on: loaded.backend, states: store.parameters.map { store.slice(.gradient, of: $0) })
  }

  /// Slots that a batch's loss depends on.
  public static func reached(by samples: [TrainingSample], of slots: [Int], _ loaded: LoadedModel) throws(AviaryError) -> [Int] {
    let graph = Graph(weights: loaded.weights.shapes)
    var step = StepGraph(graph, loaded.model, try batch(samples, loaded))
    let recorded = step.loss(scale: 1)
    let targets = slots.map { graph.use(loaded.weights.shapes.all[$0]) }
    let gradients = Gradients.append(of: [(recorded.logits, recorded.cotangent)], by: targets)
    return zip(slots, gradients).filter { $0.1 != nil }.map(\.0)
  }

  private static func batch(_ samples: [TrainingSample], _ loaded: LoadedModel) throws(AviaryError) -> TrainingBatch {
    try TrainingBatch(samples, vocabulary: loaded.model.language.vocabularySize, context: loaded.model.language.contextLength)
  }

  /// Goes on from a saved place.
  func resume(step: Int, passes: UInt64) { (self.step, self.passes) = (step, passes) }

  // MARK: Passes

  /// Adds a batch's gradients to those of the step, each token's times `scale`.
  ///
  /// - Returns: the sum of its trained tokens' losses.
  /// - Throws: `.numeric` where that is no number; the step's gradients are then spoilt.
  public func accumulate(_ samples: [TrainingSample], scale: Double) throws(AviaryError) -> Double {
    let batch = try Self.batch(samples, loaded)
    var inputs: [GraphRunner.Input] = []
    let (isFirst, dropout) = (isFirst, options.dropout)
    var masks: [(shape: Shape, seed: UInt64)] = []
    let planned = try runner.plan { graph in
      var step = StepGraph(graph, loaded.model, batch)
      if dropout > 0 {
        graph.lowRankInput = { x in
          // Behind every other input: their number is known when all are recorded.
          masks.append((x.shape, UInt64(masks.count)))
          return x * graph.input(batch.inputs + masks.count - 1, x.shape, .f32)
        }
      }
      let recorded = step.loss(scale: Float(scale))
      graph.lowRankInput = nil
      let targets = store.parameters.map { graph.use(weights.shapes.all[$0.slot]) }
      let blocks = options.checkpointing ? Blocks.of(graph) : []
      let gradients = Gradients.append(of: [(recorded.logits, recorded.cotangent)], by: targets, recompute: blocks)
      for (slot, gradient) in gradients.enumerated() { keep(gradient, graph, slot, adding: !isFirst) }
      inputs = step.inputs
      return [recorded.loss]
    }
    if !masks.isEmpty {
      while inputs.count < batch.inputs { inputs.append(.ints([])) }
      for mask in masks { inputs.append(.floats(dropoutMask(mask.shape, mask.seed))) }
    }
    passes += 1
    let loss = Double(try runner.run(planned, inputs).outputs[0][0])
    guard loss.isFinite else { throw try notANumber("the loss is \(loss)", planned, inputs) }
    self.isFirst = false
    lastPass = (planned, inputs)
    return loss
  }

  private func dropoutMask(_ shape: Shape, _ seed: UInt64) -> [Float] {
    var random = SplitMix64(seed: options.seed &+ passes &* 0x9E37_79B9 &+ seed &* 0x85EB_CA6B)
    let kept = Float(1 / (1 - options.dropout))
    return (0..<shape.elements).map { _ in Double.random(in: 0..<1, using: &random) < options.dropout ? 0 : kept }
  }

  private func keep(_ gradient: Tensor?, _ graph: Graph, _ slot: Int, adding: Bool) {
    let count = store.parameters[slot].count
    let state = graph.state(slot, [1, count], .f32)
    let rows = (gradient ?? graph.scalar(0).expanded(to: [count])).reshaped(1, count)
    if adding {
      if gradient != nil { _ = state.scatterAddRows(rows, at: graph.iota(1)) }
    } else {
      _ = state.scatterRows(rows, at: graph.iota(1))
    }
  }

  /// Moves the weights by what the passes since the last step gathered.
  ///
  /// - Returns: the L2 norm of the gradients before clipping.
  /// - Throws: `.numeric` where that is no number; the weights stay as they were.
  @discardableResult
  public func update(rate: Double) throws(AviaryError) -> Double {
    let norm = try optimizer.gradientNorm()
    guard norm.isFinite else { throw try notANumber("the gradients' norm is \(norm)", lastPass?.planned, lastPass?.inputs ?? []) }
    let clip = options.clip.map { min(1, $0 / (norm + 1e-6)) } ?? 1
    step += 1
    try optimizer.step(step, rate: rate, clip: clip, keep: options.averageKeep ?? 1)
    isFirst = true
    return norm
  }

  /// An error that names the first operation that made no number; the weights are as they were before the step.
  private func notANumber(_ what: String, _ planned: PlannedGraph?, _ inputs: [GraphRunner.Input]) throws(AviaryError) -> AviaryError {
    guard let planned, let first = try runner.firstNonFinite(planned, inputs) else {
      return AviaryError(.numeric, what, wanted: "a number", at: "step \(step + 1)")
    }
    return AviaryError(.numeric, "\(what): \(first.found), in \(first.place)", wanted: "a number", at: "step \(step + 1)")
  }

  /// The sum of a batch's losses, without gradients.
  public func loss(_ samples: [TrainingSample]) throws(AviaryError) -> Double {
    let batch = try Self.batch(samples, loaded)
    var inputs: [GraphRunner.Input] = []
    let planned = try runner.plan { graph in
      var step = StepGraph(graph, loaded.model, batch)
      let loss = step.loss(scale: 1).loss
      inputs = step.inputs
      return [loss]
    }
    return Double(try runner.run(planned, inputs).outputs[0][0])
  }

  /// Logits of every row of every sample, padding included.
  public func logits(_ samples: [TrainingSample]) throws(AviaryError) -> [Float] {
    let batch = try Self.batch(samples, loaded)
    var inputs: [GraphRunner.Input] = []
    let planned = try runner.plan { graph in
      var step = StepGraph(graph, loaded.model, batch)
      let logits = step.allLogits()
      inputs = step.inputs
      return [logits]
    }
    return try runner.run(planned, inputs).outputs[0]
  }

  // MARK: What is trained

  public var trainedSlots: [Int] { store.parameters.map(\.slot) }
  public var trainedCount: Int { store.parameters.reduce(0) { $0 + $1.count } }

  /// A trained weight's gradient as gathered since the last step.
  public func gradient(ofSlot slot: Int) throws(AviaryError) -> [Float]? {
    guard let parameter = store.parameters.first(where: { $0.slot == slot }) else { return nil }
    return try store.floats(.gradient, of: parameter)
  }

  /// A trained weight in f32; the average of it where that is wanted and kept.
  public func value(ofSlot slot: Int, averaged: Bool = false) throws(AviaryError) -> [Float]? {
    guard let parameter = store.parameters.first(where: { $0.slot == slot }) else { return nil }
    return try store.floats(averaged && store.has(.average) ? .average : .value, of: parameter)
  }
}

public import AviaryTensor

/// Records, lowers, plans and runs graphs on one backend, keeping arena, plans and graph memory from run to run.
///
/// Not Sendable: one runner belongs to one sequence and one thread at a time.
public final class GraphRunner {
  let backend: any Backend
  var cancel = CancellationFlag()
  private let weights: ModelWeights
  private let graph: Graph
  private let bindings: Bindings
  private let plans: PlanCache
  private let staging = InputStaging()
  /// Node by node against the reference backend (`AVIARY_CHECK=1`).
  private let isChecked = CheckedExecution.isRequested
  /// Largest arena that any plan needed, bytes.
  public private(set) var arenaBytes = 0

  public convenience init(_ loaded: LoadedModel, states: [BufferSlice]) throws(AviaryError) {
    try self.init(loaded.weights, on: loaded.backend, states: states)
  }

  /// For graphs of a part that is no whole model.
  public init(_ weights: ModelWeights, on backend: any Backend, states: [BufferSlice] = []) throws(AviaryError) {
    self.backend = backend
    self.weights = weights
    plans = PlanCache(for: backend.capabilities, capacity: 16)
    graph = Graph(weights: weights.shapes)
    bindings = Bindings(weights: weights.slices, states: states, arena: BufferSlice(try backend.allocate(64)))
  }

  /// The buffers that `Graph.state` means from now on; plans that name others must not run any more.
  func bind(states: [BufferSlice]) { bindings.states = states }

  /// Values of a run: outputs in order, taps by name.
  public struct Values {
    public var outputs: [[Float]] = []
    public var taps: [(name: String, shape: [Int], values: [Float])] = []
  }

  /// Data for a graph's inputs, by slot.
  public enum Input {
    case floats([Float])
    case ints([Int32])
  }

  /// Plans what `record` records.
  public func plan(taps: Bool = false, _ record: (Graph) -> [Tensor]) throws(AviaryError) -> PlannedGraph {
    graph.reset()
    graph.recordsTaps = taps
    let outputs = record(graph).map { graph.output($0) }
    let plan = plans.plan(for: graph)
    return PlannedGraph(
      plan: plan, outputs: outputs,
      taps: graph.taps.map { ($0.name, graph.nodes[Int(graph.outputs[$0.output])].shape.dims, $0.output) })
  }

  /// Runs a plan; the values stay in the arena until the next run.
  public func execute(_ planned: PlannedGraph, _ inputs: [Input]) throws(AviaryError) {
    for (slot, input) in inputs.enumerated() { staging.set(slot, input) }
    try execute(planned)
  }

  /// Runs a plan on the inputs set before; allocates nothing where the arena is large enough.
  public func execute(_ planned: PlannedGraph) throws(AviaryError) {
    try reserve(planned.plan.arenaBytes)
    staging.bind(bindings)
    if isChecked {
      try CheckedExecution.execute(planned.plan, bindings, on: backend, cancel)
    } else {
      try backend.execute(planned.plan, bindings, cancel)
    }
    try weights.checkIntact()
  }

  /// Runs a plan step by step to find the first that makes something else than numbers.
  package func firstNonFinite(_ planned: PlannedGraph, _ inputs: [Input]) throws(AviaryError) -> AviaryError? {
    for (slot, input) in inputs.enumerated() { staging.set(slot, input) }
    try reserve(planned.plan.arenaBytes)
    staging.bind(bindings)
    return try NonFinite.first(planned.plan, bindings, on: backend)
  }

  /// Sets one input to one number, for decoding.
  public func setInput(_ slot: Int, _ value: Int32) { staging.set(slot, value) }

  /// Runs a plan and reads everything back.
  public func run(_ planned: PlannedGraph, _ inputs: [Input]) throws(AviaryError) -> Values {
    try execute(planned, inputs)
    var values = Values()
    for index in planned.outputs { values.outputs.append(try read(planned, index)) }
    for tap in planned.taps { values.taps.append((tap.name, tap.shape, try read(planned, tap.output))) }
    return values
  }

  /// Copies an output into memory that the caller keeps.
  public func read(_ planned: PlannedGraph, _ index: Int, into values: inout [Float]) throws(AviaryError) {
    let view = planned.plan.outputs[index]
    guard case .arena(let offset) = view.place, view.dtype == .f32 else {
      throw AviaryError(.internal, "output \(index) is \(view.dtype) in \(view.place)", wanted: "f32 in the arena")
    }
    let count = view.shape.elements
    if values.count != count { values = [Float](repeating: 0, count: count) }
    let slice = BufferSlice(bindings.arena.buffer, offset: bindings.arena.offset + offset + view.offset * 4, byteCount: count * 4)
    var failure: AviaryError?
    values.withUnsafeMutableBytes { bytes in
      do throws(AviaryError) { try backend.download(slice, into: bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func read(_ planned: PlannedGraph, _ index: Int) throws(AviaryError) -> [Float] {
    var values: [Float] = []
    try read(planned, index, into: &values)
    return values
  }

  private func reserve(_ byteCount: Int) throws(AviaryError) {
    arenaBytes = max(arenaBytes, byteCount)
    guard bindings.arena.byteCount < byteCount else { return }
    bindings.arena = BufferSlice(try backend.allocate(byteCount))
  }
}

/// A plan and where its results are.
public struct PlannedGraph {
  public let plan: Plan
  public let outputs: [Int]
  public let taps: [(name: String, shape: [Int], output: Int)]
}

import Synchronization

/// Plans of graphs seen before, so that a decoder's step is lowered once and not at every token.
///
/// A hit needs equal nodes, not only an equal hash. Bounded; the plan not used for longest goes first. For one backend
/// and one set of options.
public final class PlanCache: Sendable {
  private let capabilities: Capabilities
  private let options: Lowering.Options
  private let capacity: Int
  private let state = Mutex(State())

  private struct State: ~Copyable {
    var entries: [Entry] = []
    var clock = 0
  }

  private struct Entry {
    let hash: Int
    let nodes: ContiguousArray<Node>
    let operandIDs: ContiguousArray<Int32>
    let outputs: ContiguousArray<Int32>
    let weights: WeightShapes
    let plan: Plan
    var lastUsed: Int

    func matches(_ graph: Graph) -> Bool {
      weights === graph.weights && outputs == graph.outputs && operandIDs == graph.operandIDs && nodes == graph.nodes
    }
  }

  /// - Parameter capacity: plans kept, at least one.
  public init(for capabilities: Capabilities, _ options: Lowering.Options = Lowering.Options(), capacity: Int = 32) {
    self.capabilities = capabilities
    self.options = options
    self.capacity = max(capacity, 1)
  }

  /// Plans held now.
  public var count: Int { state.withLock { $0.entries.count } }

  /// The plan of this graph: kept, or lowered now.
  public func plan(for graph: Graph) -> Plan {
    let hash = graph.contentHash
    if let kept = kept(graph, hash) { return kept }
    // Lowered outside the lock; two threads may both lower a new graph, and either plan will do.
    let plan = Lowering.lower(graph, for: capabilities, options)
    state.withLock { state in
      if state.entries.count >= capacity, let oldest = state.entries.indices.min(by: { state.entries[$0].lastUsed < state.entries[$1].lastUsed }) {
        state.entries.remove(at: oldest)
      }
      state.clock += 1
      state.entries.append(
        Entry(
          hash: hash, nodes: graph.nodes, operandIDs: graph.operandIDs, outputs: graph.outputs, weights: graph.weights, plan: plan,
          lastUsed: state.clock))
    }
    return plan
  }

  private func kept(_ graph: Graph, _ hash: Int) -> Plan? {
    state.withLock { state in
      guard let i = state.entries.firstIndex(where: { $0.hash == hash && $0.matches(graph) }) else { return nil }
      state.clock += 1
      state.entries[i].lastUsed = state.clock
      return state.entries[i].plan
    }
  }
}

extension Graph {
  /// A hash of everything that a plan follows from.
  var contentHash: Int {
    var hasher = Hasher()
    for node in nodes { node.hash(into: &hasher) }
    operandIDs.withUnsafeBytes { hasher.combine(bytes: $0) }
    outputs.withUnsafeBytes { hasher.combine(bytes: $0) }
    return hasher.finalize()
  }
}

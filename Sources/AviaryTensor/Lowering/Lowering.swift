/// From recorded nodes to a plan: backend-independent.
///
/// Drops what no output and no effect reaches (writes to states are effects and keep their order), folds views into
/// strides, copies where a kernel could not read those strides, and matches the fusions that the backend claims.
/// States are memory: whoever reads one sees all writes recorded before that read's own step.
public enum Lowering {
  public struct Options: Hashable, Sendable {
    /// Off for debugging and for tests that compare with the unfused graph.
    public var fuse = true
    public init(fuse: Bool = true) { self.fuse = fuse }
  }

  public static func lower(_ graph: Graph, for capabilities: Capabilities, _ options: Options = Options()) -> Plan {
    let usage = Usage(graph)
    let fusions = FusionMatches(graph, usage, options.fuse ? capabilities.fusions : [])
    var emitter = Emitter(graph, usage, capabilities)
    for i in graph.nodes.indices where usage.isLive[i] && !fusions.isAbsorbed[i] {
      if let fused = fusions[i] { emitter.emit(fused, at: i) } else { emitter.emit(i) }
    }
    return emitter.plan()
  }
}

public final class PlanCache { public init(capacity: Int) {}
 public func plan(for graph: Graph, _ c: Capabilities) -> Plan { fatalError() } }

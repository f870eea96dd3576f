import AviaryTensor
import Testing

@Suite struct PlanCacheTests {
  private func record(_ graph: Graph, _ width: Int, _ value: Float = 1) {
    graph.reset()
    graph.output(graph.input(0, [width], .f32) * value)
  }

  @Test func equalGraphsShareAPlan() {
    let (graph, cache) = (Graph(), PlanCache(for: Reference().capabilities))
    record(graph, 4)
    let first = cache.plan(for: graph)
    record(graph, 4)
    #expect(cache.plan(for: graph) === first)
    record(graph, 5)
    #expect(cache.plan(for: graph) !== first)
    record(graph, 4, 2)
    #expect(cache.plan(for: graph) !== first)
    #expect(cache.count == 3)
  }

  @Test func outputsAndWeightsAreCompared() {
    let weights = [Weight(slot: 0, shape: [2], dtype: .f32), Weight(slot: 1, shape: [2], dtype: .f32)]
    let cache = PlanCache(for: Reference().capabilities)
    func plan(_ which: Int, outputs: Int, _ table: WeightShapes) -> Plan {
      let graph = Graph(weights: table)
      let y = graph.use(weights[which]).unary(.exp)
      for _ in 0..<outputs { graph.output(y) }
      return cache.plan(for: graph)
    }
    let table = WeightShapes(weights)
    let first = plan(0, outputs: 1, table)
    #expect(plan(0, outputs: 1, table) === first)
    #expect(plan(1, outputs: 1, table) !== first)
    #expect(plan(0, outputs: 2, table) !== first)
    #expect(plan(0, outputs: 1, WeightShapes(weights)) !== first)
  }

  @Test func theLeastRecentlyUsedGoesFirst() {
    let (graph, cache) = (Graph(), PlanCache(for: Reference().capabilities, capacity: 2))
    func plan(_ width: Int) -> Plan {
      record(graph, width)
      return cache.plan(for: graph)
    }
    let (one, two) = (plan(1), plan(2))
    #expect(plan(1) === one)
    _ = plan(3)
    #expect(cache.count == 2)
    #expect(plan(1) === one)
    #expect(plan(2) !== two)
  }

  /// The plan keeps nothing of the graph that recording changes.
  @Test func resettingTheGraphLeavesKeptPlansAlone() {
    let (graph, cache) = (Graph(), PlanCache(for: Reference().capabilities))
    record(graph, 4)
    let steps = cache.plan(for: graph).steps.count
    record(graph, 7)
    record(graph, 4)
    #expect(cache.plan(for: graph).steps.count == steps)
  }
}

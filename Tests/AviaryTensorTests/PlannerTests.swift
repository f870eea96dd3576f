import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct PlannerTests {
  /// Steps on random values; each operand must still be whole in the arena when it is read.
  @Test(arguments: 0..<200) func noLiveValueIsOverwritten(_ seed: Int) {
    var random = SeededGenerator(UInt64(seed))
    var steps: [PlanStep] = []
    var views: [View] = []
    var bytes: ContiguousArray<Int> = []
    for s in 0..<60 {
      let size = [0, 1, 3, 17, 64, 65][Int.random(in: 0..<6, using: &random)]
      let start = views.count
      for _ in 0..<(s == 0 ? 0 : Int.random(in: 0...3, using: &random)) {
        let value = Int.random(in: max(0, s - 12)..<s, using: &random)
        views.append(View(contiguous: [bytes[value] / 4], .f32, at: .arena(value)))
      }
      let op: Op = [.binary(.add), .softmax, .unary(.gelu)][Int.random(in: 0..<3, using: &random)]
      steps.append(PlanStep(op: op, operands: start..<views.count, output: View(contiguous: [size], .f32, at: .arena(s))))
      bytes.append(size * 4)
    }
    let outputs = (0..<3).map { _ in
      let value = Int.random(in: 0..<60, using: &random)
      return View(contiguous: [bytes[value] / 4], .f32, at: .arena(value))
    }
    let plan = Planner(steps, views, bytes, outputs).plan()

    // Which value each 64-byte line of the arena holds.
    var owner = [Int](repeating: -1, count: plan.arenaBytes / 64)
    func lines(_ placed: View, _ value: Int) -> Range<Int> {
      guard case .arena(let offset) = placed.place, bytes[value] > 0 else { return 0..<0 }
      #expect(offset % 64 == 0)
      return offset / 64..<(offset + bytes[value] + 63) / 64
    }
    for (s, step) in plan.steps.enumerated() {
      for k in step.operands {
        guard case .arena(let value) = views[k].place else { continue }
        #expect(lines(plan.views[k], value).allSatisfy { owner[$0] == value }, "step \(s) reads value \(value)")
      }
      for line in lines(step.output, s) { owner[line] = s }
    }
    for (placed, source) in zip(plan.outputs, outputs) {
      guard case .arena(let value) = source.place else { continue }
      #expect(lines(placed, value).allSatisfy { owner[$0] == value }, "output \(value)")
    }
  }

  @Test func elementwiseChainsStayInOnePlace() {
    let graph = Graph()
    var x = graph.input(0, [16], .f32)
    for _ in 0..<10 { x = x.unary(.tanh) }
    graph.output(x)
    #expect(Lowering.lower(graph, for: Reference().capabilities).arenaBytes == 64)
  }

  @Test func otherChainsTakeTwo() {
    let graph = Graph()
    var x = graph.input(0, [16], .f32)
    for _ in 0..<10 { x = x.softmax() }
    graph.output(x)
    #expect(Lowering.lower(graph, for: Reference().capabilities).arenaBytes == 128)
  }

  /// x - xᵀ must not be written over x, whose other window is still to be read.
  @Test func twoWindowsOnOneValueAreNotOverwritten() throws {
    let found = try evaluate([.pattern([3, 3])]) { x, _ in
      let y = x[0].unary(.negate)
      return y - y.transposed()
    }
    let x = Given.pattern([3, 3]).values
    for i in 0..<9 {
      let mirrored = i % 3 * 3 + i / 3
      #expect(found[i] == x[mirrored] - x[i])
    }
  }
}

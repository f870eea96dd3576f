import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceMoveTests {
  @Test func concatAndPad() throws {
    let (a, b) = (Given([2, 1], [1, 2]), Given([2, 2], [3, 4, 5, 6]))
    #expect(try evaluate([a, b]) { x, _ in .concat(x, axis: 1) } == [1, 3, 4, 2, 5, 6])
    #expect(try evaluate([b]) { x, _ in .concat([x[0], x[0]], axis: 0) } == [3, 4, 5, 6, 3, 4, 5, 6])
    #expect(try evaluate([b]) { x, _ in x[0].padded(1, before: 1, after: 2, value: 9) } == [9, 3, 4, 9, 9, 9, 5, 6, 9, 9])
    #expect(try evaluate([b]) { x, _ in x[0].padded(0, before: 1) } == [0, 0, 3, 4, 5, 6])
  }

  @Test func largeIntegersMoveUnchanged() throws {
    let graph = Graph()
    graph.output(graph.input(0, [2, 1], .i64).expanded(to: [2, 2]))
    // 2^53 + 1 is no Double; the bits must survive.
    let odd: [Int64] = [9_007_199_254_740_993, -9_007_199_254_740_993]
    let raw = odd.withUnsafeBytes { Array($0) }
    let plan = Lowering.lower(graph, for: Reference().capabilities)
    #expect(plan.steps.map(\.op) == [.contiguous])
    let state = Graph()
    let target = state.state(0, [2], .i64)
    _ = target.scatterRows(state.input(0, [2], .i64), at: state.iota(2))
    let results = try run(state, Values(states: [[UInt8](repeating: 0, count: 16)], inputs: [raw]))
    #expect(results.states == [raw])
  }

  @Test(arguments: [DType.f32, .f16, .bf16]) func gatheringFloatsGivesF32(_ dtype: DType) throws {
    let table = Given([3, 2], [1, 2, 3, 4, 5, 6], dtype)
    let found = try evaluate([Given([2, 2], [2, 0, 0, 1], .i32)], weights: [table]) { x, w in w[0].gatherRows(x[0]) }
    #expect(found == [5, 6, 1, 2, 1, 2, 3, 4])
  }

  @Test func rowsOfEqualIDsAreAdded() throws {
    let (target, rows) = (Given([3, 2], [1, 2, 3, 4, 5, 6]), Given([3, 2], [10, 20, 30, 40, 50, 60]))
    let found = try evaluate([target, rows, Given([3], [2, 0, 2], .i32)]) { x, _ in x[0].scatterAddRows(x[1], at: x[2]) }
    #expect(found == [31, 42, 3, 4, 65, 86])
  }

  @Test(arguments: [-1, 3, Int(Int32.max)]) func idsOutOfRangeAreAnError(_ id: Int) {
    let error = #expect(throws: AviaryError.self) {
      try evaluate([Given([1], [Double(id)], .i32)], weights: [Given([3, 2], [1, 2, 3, 4, 5, 6])]) { x, w in w[0].gatherRows(x[0]) }
    }
    #expect(error?.kind == .request)
    #expect(error?.wanted == "0..<3")
  }

  @Test func casts() throws {
    let x = Given([6], [-2.7, 2.7, 1e10, .nan, -.infinity, 0])
    #expect(try evaluate([x]) { x, _ in x[0].cast(.i32) } == [-2, 2, 2_147_483_647, 0, -2_147_483_648, 0])
    #expect(try evaluate([x]) { x, _ in x[0].cast(.u8) } == [0, 2, 255, 0, 0, 0])
    #expect(try evaluate([x]) { x, _ in x[0].cast(.bool) } == [1, 1, 1, 1, 1, 0])
    #expect(try evaluate([Given([2], [0.1, 65520])]) { x, _ in x[0].cast(.f16) } == [0.0999755859375, .infinity])
    #expect(try evaluate([Given([2], [7, -3], .i64)]) { x, _ in x[0].cast(.f32) } == [7, -3])
    #expect(try evaluate([Given([2], [0.1, 3], .f64)]) { x, _ in x[0].cast(.f32) } == [Double(Float(0.1)), 3])
  }
}

import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceReductionTests {
  static let cases: [(ReduceKind, Int, [Double])] = [
    (.sum, 0, [-1.5, 2, 0, -2, 1.5, -0.5]), (.sum, 1, [0.75, 0.5, -0.75, -1]), (.sum, 2, [0.75, -0.5, 1, -0.25, -1.5, 0]),
    (.mean, 0, [-0.75, 1, 0, -1, 0.75, -0.25]), (.mean, 1, [0.25, 0.1666667, -0.25, -0.3333333]),
    (.mean, 2, [0.375, -0.25, 0.5, -0.125, -0.75, 0]), (.max, 0, [-0.5, 1.25, 0.25, -0.75, 1, 0]), (.max, 1, [1, 1.25, 0.5, 0.75]),
    (.max, 2, [1.25, 0.25, 1, 0.75, -0.25, 0.5]), (.argmax, 0, [0, 0, 0, 0, 0, 0]), (.argmax, 1, [2, 0, 2, 0]),
    (.argmax, 2, [1, 0, 0, 1, 0, 0]),
  ]

  @Test(arguments: cases.indices) func reduction(_ i: Int) throws {
    let (kind, axis, wanted) = Self.cases[i]
    let found = try evaluate([.pattern([2, 3, 2])]) { x, _ in x[0].reduce(kind, axis: axis) }
    #expect(areClose(found, wanted), "\(kind) over \(axis): \(found)")
  }

  static let sums: [[Double]] = [
    [-0.5, 1.25, 0.25, -0.75, 1, 0, -1.5, 2, 0, -2, 1.5, -0.5],
    [-0.5, 1.25, -0.25, 0.5, 0.75, 0.5, -1, 0.75, -1.25, -0.5, -0.75, -1],
    [-0.5, 0.75, 0.25, -0.5, 1, 1, -1, -0.25, -0.25, -1.5, 0.5, 0],
  ]

  @Test(arguments: 0..<3) func cumulativeSum(_ axis: Int) throws {
    #expect(try evaluate([.pattern([2, 3, 2])]) { x, _ in x[0].cumsum(axis: axis) } == Self.sums[axis])
  }

  @Test func topK() throws {
    let x = Given.pattern([2, 5], 4)
    #expect(try evaluate([x]) { x, _ in x[0].topK(3, indices: false) } == [1.25, 0.5, -0.25, 1, 0.25, 0])
    #expect(try evaluate([x]) { x, _ in x[0].topK(3, indices: true) } == [4, 2, 0, 2, 0, 3])
  }

  @Test func equalsComeInOrder() throws {
    let x = Given([1, 4], [2, 7, 7, 2])
    #expect(try evaluate([x]) { x, _ in x[0].topK(4, indices: true) } == [1, 2, 0, 3])
    #expect(try evaluate([x]) { x, _ in x[0].reduce(.argmax) } == [1])
  }

  @Test func emptyAxes() throws {
    #expect(try evaluate([Given([2, 0], [])]) { x, _ in x[0].reduce(.sum) } == [0, 0])
    #expect(try evaluate([Given([2, 0], [])]) { x, _ in x[0].reduce(.argmax) } == [0, 0])
    #expect(try evaluate([Given([0, 3], [])]) { x, _ in x[0].reduce(.sum) } == [])
    #expect(try evaluate([Given([0, 3], [])]) { x, _ in x[0].softmax() } == [])
  }
}

import AviaryTensor
import TensorTestSupport
import Testing

/// The judge judged: values computed with numpy and scipy.
@Suite struct ReferenceElementwiseTests {
  static let x = [-2.5, -1, -0.3, 0, 0.5, 2, 10]
  static let positive = [0.04, 0.3, 1, 2.5, 9]
  static let unary: [(UnaryKind, [Double], [Double])] = [
    (.negate, x, [2.5, 1, 0.3, 0, -0.5, -2, -10]),
    (.abs, x, [2.5, 1, 0.3, 0, 0.5, 2, 10]),
    (.square, x, [6.25, 1, 0.09, 0, 0.25, 4, 100]),
    (.sqrt, positive, [0.2, 0.5477226, 1, 1.581139, 3]),
    (.rsqrt, positive, [5, 1.825742, 1, 0.6324555, 0.3333333]),
    (.reciprocal, positive, [25, 3.333333, 1, 0.4, 0.1111111]),
    (.exp, x, [0.082085, 0.3678794, 0.7408182, 1, 1.648721, 7.389056, 22026.47]),
    (.log, positive, [-3.218876, -1.203973, 0, 0.9162907, 2.197225]),
    (.sin, x, [-0.5984721, -0.841471, -0.2955202, 0, 0.4794255, 0.9092974, -0.5440211]),
    (.cos, x, [-0.8011436, 0.5403023, 0.9553365, 1, 0.8775826, -0.4161468, -0.8390715]),
    (.tanh, x, [-0.9866143, -0.7615942, -0.2913126, 0, 0.4621172, 0.9640276, 1]),
    (.sigmoid, x, [0.07585818, 0.2689414, 0.4255575, 0.5, 0.6224593, 0.8807971, 0.9999546]),
    (.relu, x, [0, 0, 0, 0, 0.5, 2, 10]),
    (.silu, x, [-0.1896455, -0.2689414, -0.1276672, 0, 0.3112297, 1.761594, 9.999546]),
    (.erf, x, [-0.999593, -0.8427008, -0.3286268, 0, 0.5204999, 0.9953223, 1]),
    (.gelu, x, [-0.01552416, -0.1586553, -0.1146266, 0, 0.3457312, 1.9545, 10]),
    (.geluTanh, x, [-0.01508427, -0.158808, -0.1146291, 0, 0.345714, 1.954598, 10]),
    (.quickGelu, x, [-0.03498617, -0.1542042, -0.1125159, 0, 0.3503884, 1.935659, 10]),
    (.floor, x, [-3, -1, -1, 0, 0, 2, 10]),
    (.ceil, x, [-2, -1, 0, 0, 1, 2, 10]),
    (.round, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.51], [-2, -2, 0, 0, 2, 2, 1]),
  ]

  @Test func everyUnaryKindHasACase() {
    #expect(Set(Self.unary.map(\.0)) == Set(UnaryKind.allCases))
  }

  @Test(arguments: unary.indices) func unaryKind(_ i: Int) throws {
    let (kind, x, wanted) = Self.unary[i]
    let found = try evaluate([Given([x.count], x)]) { x, _ in x[0].unary(kind) }
    #expect(areClose(found, wanted), "\(kind): \(found)")
  }

  static let binary: [(BinaryKind, [Double])] = [
    (.add, [5, 1, 0.5, -2]), (.subtract, [-1, 3, -0.5, 0]), (.multiply, [6, -2, 0, 1]), (.divide, [2.0 / 3, -2, 0, 1]),
    (.maximum, [3, 2, 0.5, -1]), (.minimum, [2, -1, 0, -1]), (.power, [8, 0.5, 0, -1]), (.equal, [0, 0, 0, 1]), (.less, [1, 0, 1, 0]),
    (.lessOrEqual, [1, 0, 1, 1]),
  ]

  @Test func everyBinaryKindHasACase() {
    #expect(Set(Self.binary.map(\.0)) == Set(BinaryKind.allCases))
  }

  @Test(arguments: binary.indices) func binaryKind(_ i: Int) throws {
    let (kind, wanted) = Self.binary[i]
    let found = try evaluate([Given([4], [2, 2, 0, -1]), Given([4], [3, -1, 0.5, -1])]) { x, _ in x[0].binary(kind, x[1]) }
    #expect(areClose(found, wanted), "\(kind): \(found)")
  }

  @Test func integersStayExact() throws {
    let a = Given([3], [16_777_217, -7, 2_000_000_000], .i32)
    let b = Given([3], [1, 2, 2_000_000_000], .i32)
    #expect(try evaluate([a, b]) { x, _ in x[0] + x[1] } == [16_777_218, -5, 2_147_483_647])
    #expect(try evaluate([a, b]) { x, _ in x[0] / x[1] } == [16_777_217, -3, 1])
  }

  @Test func broadcastingSelectAndClamp() throws {
    let row = Given([3], [1, 2, 3])
    let column = Given([2, 1], [10, 20])
    #expect(try evaluate([row, column]) { x, _ in x[0] + x[1] } == [11, 12, 13, 21, 22, 23])
    let found = try evaluate([row, column]) { x, _ in (x[0].binary(.less, x[0].graph.scalar(2.5))).select(x[0], x[1]) }
    #expect(found == [1, 2, 10, 1, 2, 20])
    #expect(try evaluate([row]) { x, _ in x[0].clamped(1.5, 2.5) } == [1.5, 2, 2.5])
  }

  @Test func leaves() throws {
    let graph = Graph()
    graph.output(graph.scalar(2.5))
    graph.output(graph.iota(4, start: -1))
    #expect(try run(graph, Values()).outputs == [[2.5], [-1, 0, 1, 2]])
  }
}

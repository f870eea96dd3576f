import CAviaryKernels
import Foundation
import Testing

@Suite struct ElementwiseTests {
  static let unary: [(av_unary_kind, @Sendable (Double) -> Double)] = [
    (AV_NEGATE, { -$0 }), (AV_ABS, { abs($0) }), (AV_SQUARE, { $0 * $0 }), (AV_SQRT, { $0.squareRoot() }), (AV_RSQRT, { 1 / $0.squareRoot() }),
    (AV_RECIPROCAL, { 1 / $0 }), (AV_EXP, { exp($0) }), (AV_LOG, { log($0) }), (AV_SIN, { sin($0) }), (AV_COS, { cos($0) }), (AV_TANH, { tanh($0) }),
    (AV_SIGMOID, { 1 / (1 + exp(-$0)) }), (AV_RELU, { max($0, 0) }), (AV_SILU, { $0 / (1 + exp(-$0)) }), (AV_ERF, { erf($0) }),
    (AV_GELU, { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
    (AV_GELU_TANH, { 0.5 * $0 * (1 + tanh((2 / Double.pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }),
    (AV_QUICK_GELU, { $0 / (1 + exp(-1.702 * $0)) }), (AV_FLOOR, { $0.rounded(.down) }), (AV_CEIL, { $0.rounded(.up) }),
    (AV_ROUND, { $0.rounded(.toNearestOrEven) }),
  ]

  /// Every kind on a transposed operand, so that the gathering of strided inputs is covered too.
  @Test(arguments: Level.all) func unaryKinds(_ level: Level) {
    level.withPool { pool in
      for n in oddSizes {
        let x = noise(3 * n).map { $0 * 6 }
        for (kind, exact) in Self.unary {
          var y = [Float](repeating: .nan, count: 3 * n)
          var map = makeMap([3, n], a: [1, 3])
          av_unary(pool, kind, &map, x, &y)
          let wanted = (0..<3).flatMap { i in (0..<n).map { j in Float(exact(Double(x[j * 3 + i]))) } }
          #expect(relativeError(y, wanted) < 2e-6, "kind \(kind.rawValue), \(n)")
        }
      }
    }
  }

  static let binary: [(av_binary_kind, @Sendable (Double, Double) -> Double)] = [
    (AV_ADD, { $0 + $1 }), (AV_SUBTRACT, { $0 - $1 }), (AV_MULTIPLY, { $0 * $1 }), (AV_DIVIDE, { $0 / $1 }), (AV_MAXIMUM, { max($0, $1) }),
    (AV_MINIMUM, { min($0, $1) }), (AV_POWER, { pow($0, $1) }), (AV_EQUAL, { $0 == $1 ? 1 : 0 }), (AV_LESS, { $0 < $1 ? 1 : 0 }),
    (AV_LESS_OR_EQUAL, { $0 <= $1 ? 1 : 0 }),
  ]

  /// Broadcast along each axis by strides of 0.
  @Test(arguments: Level.all) func binaryKinds(_ level: Level) {
    level.withPool { pool in
      for n in oddSizes {
        let a = noise(5 * n).map { ($0 * 4).rounded() / 2 + 2.5 }, b = noise(5 * n, seed: 2).map { ($0 * 4).rounded() / 2 + 2.5 }
        for (kind, exact) in Self.binary { for strides in [[n, 1], [0, 1], [1, 0], [0, 0], [1, 5]] {
          var map = makeMap([5, n], b: strides)
          let wanted = (0..<5).flatMap { i in (0..<n).map { j in Float(exact(Double(a[i * n + j]), Double(b[i * strides[0] + j * strides[1]]))) } }
          if kind.rawValue >= AV_EQUAL.rawValue {
            var y = [UInt8](repeating: 9, count: 5 * n)
            av_binary(pool, kind, &map, a, b, &y)
            #expect(y.map { Float($0) } == wanted)
          } else {
            var y = [Float](repeating: .nan, count: 5 * n)
            av_binary(pool, kind, &map, a, b, &y)
            #expect(relativeError(y, wanted) < 1e-6, "kind \(kind.rawValue), \(n), \(strides)")
          }
        } }
      }
    }
  }

  @Test(arguments: Level.all) func largeMapOnAllThreads(_ level: Level) {
    level.withPool { pool in
      let (rows, cols) = (300, 1001)
      let a = noise(rows * cols), b = noise(cols, seed: 2)
      var y = [Float](repeating: .nan, count: rows * cols)
      var map = makeMap([rows, cols], b: [0, 1])
      av_binary(pool, AV_ADD, &map, a, b, &y)
      #expect(y == a.enumerated().map { $1 + b[$0 % cols] })
    }
  }

  @Test(arguments: Level.all) func integersClampAndSelect(_ level: Level) {
    level.withPool { pool in
      let a: [Int32] = [7, -7, .max, .min, 5], b: [Int32] = [2, 2, 1, -1, 0]
      var y = [Int32](repeating: 0, count: 5), truth = [UInt8](repeating: 9, count: 5)
      var map = makeMap([5])
      av_binary_i32(pool, AV_ADD, &map, a, b, &y)
      #expect(y == zip(a, b).map { $0 &+ $1 })
      av_binary_i32(pool, AV_DIVIDE, &map, a, b, &y)
      #expect(y == [3, -3, .max, .min, 0])
      av_binary_i32(pool, AV_POWER, &map, a, b, &y)
      #expect(y == [49, 49, .max, 0, 1])
      av_binary_i32(pool, AV_LESS, &map, a, b, &truth)
      #expect(truth == [0, 1, 0, 1, 0])

      let x: [Float] = [-2, 0.25, 9, .nan, -.infinity]
      var clamped = [Float](repeating: 0, count: 5)
      av_clamp(pool, &map, x, -1, 1, &clamped)
      #expect(clamped[0...2] == [-1, 0.25, 1] && clamped[3].isNaN && clamped[4] == -1)

      let condition: [UInt8] = [1, 0, 1, 0, 255], yes: [UInt16] = [1, 2, 3, 4, 5], no: [UInt16] = [10, 20, 30, 40, 50]
      var chosen = [UInt16](repeating: 0, count: 5)
      av_select(pool, &map, 2, condition, yes, no, &chosen)
      #expect(chosen == [1, 20, 3, 40, 5])
    }
  }

  @Test(arguments: Level.all) func maximumKeepsNaN(_ level: Level) {
    level.withPool { pool in
      let a: [Float] = [.nan, 1, 2], b: [Float] = [1, .nan, 3]
      var map = makeMap([3])
      for kind in [AV_MAXIMUM, AV_MINIMUM] {
        var y = [Float](repeating: 0, count: 3)
        av_binary(pool, kind, &map, a, b, &y)
        #expect(y[0].isNaN && y[1].isNaN && y[2] == (kind == AV_MAXIMUM ? 3 : 2))
      }
    }
  }
}

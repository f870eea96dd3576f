import CAviaryKernels
import Foundation
import Testing

/// Errors of the vector functions against the C library in double, in units in the last place.
@Suite struct VectorMathTests {
  struct Function: Sendable, CustomTestStringConvertible {
    let name: String, kind: av_unary_kind, range: ClosedRange<Float>, ulps: Double
    let exact: @Sendable (Double) -> Double
    var testDescription: String { name }
  }

  static let functions = [
    Function(name: "exp", kind: AV_EXP, range: -104...88.7, ulps: 1, exact: { exp($0) }),
    Function(name: "log", kind: AV_LOG, range: 1e-44...3e38, ulps: 1, exact: { log($0) }),
    Function(name: "log near 1", kind: AV_LOG, range: 0.7...1.5, ulps: 2, exact: { log($0) }),
    Function(name: "erf", kind: AV_ERF, range: -5...5, ulps: 2, exact: { erf($0) }),
    Function(name: "tanh", kind: AV_TANH, range: -10...10, ulps: 2, exact: { tanh($0) }),
    Function(name: "sin", kind: AV_SIN, range: -100...100, ulps: 2, exact: { sin($0) }),
    Function(name: "cos", kind: AV_COS, range: -100...100, ulps: 2, exact: { cos($0) }),
    Function(name: "sin of large", kind: AV_SIN, range: -1e6...1e6, ulps: 2, exact: { sin($0) }),
    Function(name: "cos of huge", kind: AV_COS, range: 1e8...1e12, ulps: 2, exact: { cos($0) }),
    Function(name: "sigmoid", kind: AV_SIGMOID, range: -80...80, ulps: 3, exact: { 1 / (1 + exp(-$0)) }),
    Function(name: "rsqrt", kind: AV_RSQRT, range: 1e-30...1e30, ulps: 2, exact: { 1 / $0.squareRoot() }),
  ]

  /// Points over the range: evenly spaced, and evenly spaced in their bits.
  static func points(_ range: ClosedRange<Float>) -> [Float] {
    let count = 40_000
    let even = (0...count).map { range.lowerBound + (range.upperBound - range.lowerBound) * Float($0) / Float(count) }
    let magnitudes = (0...count).map { i in Float(bitPattern: UInt32(Double(range.upperBound.bitPattern) * Double(i) / Double(count))) }
    return (even + magnitudes + magnitudes.map { -$0 }).filter { range.contains($0) }
  }

  static func ulps(_ got: Float, _ exact: Double) -> Double {
    let rounded = Float(exact)
    return abs(Double(got) - exact) / Double(max(rounded.magnitude, .leastNormalMagnitude).ulp)
  }

  @Test(arguments: Level.all.filter { $0.threads == 1 }, functions) func accuracy(_ level: Level, _ function: Function) {
    let x = Self.points(function.range)
    let y = unary(level, function.kind, x)
    let worst = zip(x, y).map { (Self.ulps($1, function.exact(Double($0))), $0) }.max { $0.0 < $1.0 } ?? (0, 0)
    print("\(level.testDescription) \(function.name): \(worst.0) ulp at \(worst.1)")
    #expect(worst.0 <= function.ulps, "at \(worst.1)")
  }

  @Test(arguments: Level.all.filter { $0.threads == 1 }) func specialValues(_ level: Level) {
    let x: [Float] = [.infinity, -.infinity, .nan, 0, -0.0, 200, -200, .leastNonzeroMagnitude]
    let cases: [(av_unary_kind, (Float) -> Float)] = [
      (AV_EXP, { exp($0) }), (AV_LOG, { log($0) }), (AV_ERF, { erf($0) }), (AV_TANH, { tanh($0) }), (AV_SIN, { sin($0) }), (AV_COS, { cos($0) }),
      (AV_SQRT, { $0.squareRoot() }), (AV_RELU, { $0 > 0 || $0.isNaN ? $0 : 0 }), (AV_SIGMOID, { 1 / (1 + exp(-$0)) }), (AV_NEGATE, { -$0 }),
    ]
    for (kind, exact) in cases {
      for (got, argument) in zip(unary(level, kind, x), x) {
        let wanted = exact(argument)
        #expect(got == wanted || (got.isNaN && wanted.isNaN) || abs(got - wanted) <= wanted.ulp, "kind \(kind.rawValue) of \(argument): \(got), wanted \(wanted)")
      }
    }
  }

  func unary(_ level: Level, _ kind: av_unary_kind, _ x: [Float]) -> [Float] {
    level.withPool { pool in
      var y = [Float](repeating: .nan, count: x.count)
      var map = makeMap([x.count])
      av_unary(pool, kind, &map, x, &y)
      return y
    }
  }
}

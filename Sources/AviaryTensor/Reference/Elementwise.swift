#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

extension Reference {
  /// To a Float and back: where the unfused graph stores an intermediate, the fused form rounds as well.
  func rounded(_ x: Double) -> Double { Double(Float(x)) }

  func unary(_ kind: UnaryKind, _ x: Double) -> Double {
    switch kind {
    case .negate: -x
    case .abs: Swift.abs(x)
    case .square: x * x
    case .sqrt: x.squareRoot()
    case .rsqrt: 1 / x.squareRoot()
    case .reciprocal: 1 / x
    case .exp: exp(x)
    case .log: log(x)
    case .sin: sin(x)
    case .cos: cos(x)
    case .tanh: tanh(x)
    case .sigmoid: sigmoid(x)
    case .relu: x > 0 || x.isNaN ? x : 0
    case .silu: x * sigmoid(x)
    case .erf: erf(x)
    case .gelu: 0.5 * x * (1 + erf(x * 0.5.squareRoot()))
    case .geluTanh: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .quickGelu: x * sigmoid(1.702 * x)
    case .floor: x.rounded(.down)
    case .ceil: x.rounded(.up)
    case .round: x.rounded(.toNearestOrEven)
    }
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  func binary(_ kind: BinaryKind, _ a: Double, _ b: Double) -> Double {
    switch kind {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: a.isNaN || b.isNaN ? .nan : max(a, b)
    case .minimum: a.isNaN || b.isNaN ? .nan : min(a, b)
    case .power: pow(a, b)
    case .equal: a == b ? 1 : 0
    case .less: a < b ? 1 : 0
    case .lessOrEqual: a <= b ? 1 : 0
    }
  }

  func clamp(_ x: Double, _ low: Double, _ high: Double) -> Double { x.isNaN ? x : min(max(x, low), high) }
}

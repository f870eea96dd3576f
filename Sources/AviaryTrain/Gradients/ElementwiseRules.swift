import AviaryTensor

/// Elementwise operations and reductions.
extension Backward {
  private var zero: Tensor { graph.scalar(0).expanded(to: dy.shape) }

  func unary(_ kind: UnaryKind) -> Tensor? {
    let y = result
    switch kind {
    case .negate: return dy.unary(.negate)
    case .abs: return zero.binary(.less, x).select(dy, x.binary(.less, zero).select(dy.unary(.negate), zero))
    case .square: return dy * x * 2
    case .sqrt: return dy / (y * 2)
    case .rsqrt: return dy * y.unary(.square) * y * -0.5
    case .reciprocal: return dy * y.unary(.square) * -1
    case .exp: return dy * y
    case .log: return dy / x
    case .sin: return dy * x.unary(.cos)
    case .cos: return dy * x.unary(.sin) * -1
    case .tanh: return dy * (y.unary(.square) * -1 + 1)
    case .sigmoid: return dy * y * (y * -1 + 1)
    case .relu: return zero.binary(.less, x).select(dy, zero)
    case .silu:
      let s = x.unary(.sigmoid)
      return dy * s * (x * (s * -1 + 1) + 1)
    case .erf: return dy * (x.unary(.square) * -1).unary(.exp) * Float(2 / Double.pi.squareRoot())
    case .gelu:
      let share = (x * Float(0.5.squareRoot())).unary(.erf) * 0.5 + 0.5
      let density = (x.unary(.square) * -0.5).unary(.exp) * Float(1 / (2 * Double.pi).squareRoot())
      return dy * (share + x * density)
    case .geluTanh:
      let c = Float((2 / Double.pi).squareRoot())
      let squared = x.unary(.square)
      let t = (x * (squared * 0.044715 + 1) * c).unary(.tanh)
      let inner = (squared * (3 * 0.044715) + 1) * c
      return dy * ((t + 1) * 0.5 + x * (t.unary(.square) * -1 + 1) * inner * 0.5)
    case .quickGelu:
      let s = (x * 1.702).unary(.sigmoid)
      return dy * s * (x * (s * -1 + 1) * 1.702 + 1)
    case .floor, .ceil, .round: return nil
    }
  }

  func binary(_ kind: BinaryKind) -> [Tensor?] {
    guard x.dtype == .f32 else { return [nil, nil] }
    let (a, b) = (operands[0], operands[1])
    switch kind {
    case .add: return [dy, dy]
    case .subtract: return [dy, wants[1] ? dy.unary(.negate) : nil]
    case .multiply: return [wants[0] ? dy * b : nil, wants[1] ? dy * a : nil]
    case .divide: return [wants[0] ? dy / b : nil, wants[1] ? dy * result / b * -1 : nil]
    case .maximum: return [larger(a, than: b), larger(b, than: a)]
    case .minimum: return [larger(b, than: a), larger(a, than: b)]
    case .power:
      return [
        wants[0] ? dy * b * a.binary(.power, b + -1) : nil,
        wants[1] ? zero.binary(.less, a).select(dy * result * a.unary(.log), zero) : nil,
      ]
    case .equal, .less, .lessOrEqual: return [nil, nil]
    }
  }

  /// dy where a is the larger one, half of it where both are equal.
  private func larger(_ a: Tensor, than b: Tensor) -> Tensor {
    b.binary(.less, a).select(dy, a.binary(.equal, b).select(dy * 0.5, zero))
  }

  /// A maximum's derivative goes in equal parts to all that reach it.
  func reduce(_ kind: ReduceKind, _ axis: Int) -> Tensor? {
    switch kind {
    case .sum: return dy.expanded(to: x.shape)
    case .mean: return (dy * (1 / Float(max(x.size(axis), 1)))).expanded(to: x.shape)
    case .max:
      let reaches = x.binary(.equal, result).cast(.f32)
      return reaches * (dy / reaches.reduce(.sum, axis: axis))
    case .argmax: return nil
    }
  }
}

/// How far a backend's result may be from the reference's, per element: `relative` of the wanted value, plus `floor`.
public struct Tolerance: Hashable, Sendable {
  public var relative: Double
  public var floor: Double

  public static let exact = Tolerance(relative: 0, floor: 0)

  /// Equal values pass, infinities and NaN too.
  public func accepts(_ found: Double, _ wanted: Double) -> Bool {
    found == wanted || (found.isNaN && wanted.isNaN) || abs(found - wanted) <= floor + relative * abs(wanted)
  }
}

extension Op {
  /// The tolerance of one run of this op, given the largest magnitude among each operand's elements, the number of
  /// terms that each output element sums, and the arithmetic of products.
  ///
  /// Sums may cancel, so their error is measured by their terms and not by their result.
  /// - Parameter rounded: the activations of a product are rounded to 8 bits: each is then off by up to half a step of a
  ///   127th of its block's largest, 1 / 254 of it.
  func tolerance(_ magnitudes: [Double], terms: Int, compute: DType, rounded: Bool = false) -> Tolerance {
    let unit = rounded ? 1.0 / 254 : compute == .f32 ? 0x1p-23 : 0x1p-8
    let largest = magnitudes.max() ?? 0
    switch self {
    case .unary(let kind):
      switch kind {
      case .negate, .abs, .relu, .floor, .ceil, .round: return .exact
      // Their errors near 0 are those of the argument's last place.
      case .sin, .cos, .tanh, .erf, .log, .gelu, .geluTanh: return Tolerance(relative: 1e-5, floor: 1e-6 * max(1, largest))
      default: return Tolerance(relative: 1e-5, floor: 1e-30)
      }
    case .binary(let kind):
      switch kind {
      case .add, .subtract, .multiply, .divide: return Tolerance(relative: 0x1p-22, floor: 0x1p-126)
      case .power: return Tolerance(relative: 1e-4, floor: 1e-30)
      default: return .exact
      }
    case .swiglu: return Tolerance(relative: 1e-5, floor: 1e-30)
    case .reduce(let kind, _):
      return kind == .sum || kind == .mean ? Tolerance(relative: 1e-6, floor: 0x1p-23 * largest * (kind == .sum ? Double(terms) : 1)) : .exact
    case .scatterAddRows: return Tolerance(relative: 1e-6, floor: 0x1p-23 * largest * Double(terms))
    case .cumsum: return Tolerance(relative: 1e-6, floor: 0x1p-23 * largest * Double(terms))
    case .matmul, .linear, .conv2d:
      // Rounding errors of a sum grow as the square root of its length; four of those are enough for its tail.
      let product = magnitudes.prefix(2).reduce(1, *)
      let sum = 4 * unit * product * Double(max(terms, 1)).squareRoot()
      return Tolerance(relative: 1e-5, floor: sum + 1e-6 * (magnitudes.dropFirst(2).max() ?? 0))
    case .pool2d, .resize2d: return Tolerance(relative: 1e-5, floor: 1e-5 * largest)
    case .layerNorm, .rmsNorm, .groupNorm: return Tolerance(relative: 1e-4, floor: 2e-5 * max(1, magnitudes.dropFirst().max() ?? 0))
    case .softmax: return Tolerance(relative: 1e-4, floor: 1e-7)
    case .rope: return Tolerance(relative: 1e-5, floor: 1e-5 * (magnitudes.first ?? 0))
    case .attention: return Tolerance(relative: 1e-4, floor: max(1e-5, unit) * (magnitudes.count > 2 ? magnitudes[2] : 0))
    default: return .exact
    }
  }

  /// Terms that one output element sums.
  func terms(_ shapes: [Shape]) -> Int {
    guard let first = shapes.first else { return 1 }
    switch self {
    case .matmul, .linear: return first[-1]
    case .conv2d: return shapes[1].dropFirst().elements
    case .scatterAddRows: return 1 + shapes[2].elements
    case .reduce(_, let axis), .cumsum(let axis): return first[Int(axis)]
    default: return 1
    }
  }

  /// Whether operand 1 is a weight that activations are multiplied with.
  var isProduct: Bool {
    switch self {
    case .matmul, .linear: true
    default: false
    }
  }
}

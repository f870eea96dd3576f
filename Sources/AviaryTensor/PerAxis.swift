/// One number per axis, at most eight, held inline so that shapes and views stay plain structs.
///
/// Not a SIMD vector: that would align every node and view to 64 bytes.
@frozen public struct PerAxis<Number: FixedWidthInteger & Sendable>: Hashable, Sendable {
  @usableFromInline var a: Number, b: Number, c: Number, d: Number
  @usableFromInline var e: Number, f: Number, g: Number, h: Number

  @inlinable public init(repeating value: Number) {
    (a, b, c, d, e, f, g, h) = (value, value, value, value, value, value, value, value)
  }

  /// - Precondition: the axis is in `0..<8`.
  @inlinable public subscript(axis: Int) -> Number {
    get {
      switch axis {
      case 0: a
      case 1: b
      case 2: c
      case 3: d
      case 4: e
      case 5: f
      case 6: g
      case 7: h
      default: preconditionFailure("axis \(axis) of eight")
      }
    }
    set {
      switch axis {
      case 0: a = newValue
      case 1: b = newValue
      case 2: c = newValue
      case 3: d = newValue
      case 4: e = newValue
      case 5: f = newValue
      case 6: g = newValue
      case 7: h = newValue
      default: preconditionFailure("axis \(axis) of eight")
      }
    }
  }
}

extension PerAxis: ExpressibleByArrayLiteral {
  /// The first axes' numbers; 0 behind them.
  public init(arrayLiteral elements: Number...) {
    self.init(repeating: 0)
    for (axis, element) in elements.enumerated() { self[axis] = element }
  }
}

import AviaryTensor

extension ContractCase {
  static let elementwise: [ContractCase] =
    UnaryKind.allCases.map { kind in
      ContractCase("unary \(kind)") { r in
        let ranges: [ClosedRange<Double>] =
          switch kind {
          case .log, .sqrt, .rsqrt, .reciprocal: [0.1...4, 1e-6...1e-3, 1e3...1e6]
          case .exp: [-5...5, -80...80]
          case .square: [-5...5, -1e6...1e6]
          default: [-5...5, -100...100, -1e-4...1e-4]
          }
        for range in ranges { r.each(shapes) { r.operand($0, in: range).unary(kind) } }
      }
    }
    + BinaryKind.allCases.map { kind in
      ContractCase("binary \(kind)") { r in
        r.each(shapes) { shape in
          switch kind {
          case .divide: r.operand(shape).binary(kind, r.operand(shape, in: 0.5...2))
          case .power: r.operand(shape, in: 0.1...3).binary(kind, r.operand(shape, in: -3...3))
          default: r.operand(shape).binary(kind, r.operand(shape))
          }
        }
        // Broadcast along rows, columns and everything; the second operand is positive for divide and power.
        r.each([[3, 17], [2, 3, 33]]) { (shape: Shape) in r.operand(shape, in: 0.5...2).binary(kind, r.operand([shape[-1]], in: 0.5...2)) }
        r.each([[3, 17], [2, 3, 33]]) { (shape: Shape) in r.operand(shape.dropLast().appending(1), in: 0.5...2).binary(kind, r.operand(shape, in: 0.5...2)) }
        r.each([[17], [2, 3, 33]]) { (shape: Shape) in r.operand(shape, in: 0.5...2).binary(kind, r.graph.scalar(1.5)) }
      }
    }
    + [BinaryKind.add, .subtract, .multiply, .maximum, .minimum, .equal, .less, .lessOrEqual].map { kind in
      ContractCase("binary \(kind) i32") { r in
        r.each(shapes) { r.operand($0, .i32, in: -3...3).binary(kind, r.operand($0, .i32, in: -3...3)) }
        r.each(shapes) { r.operand($0, .i32, in: -30000...30000).binary(kind, r.operand($0, .i32, in: -30000...30000)) }
      }
    }
    + [
      ContractCase("clamp") { r in r.each(shapes) { r.operand($0).clamped(-0.5, 1) } },
      ContractCase("clamp i32") { r in r.each(shapes) { r.operand($0, .i32, in: -9...9).clamped(-3, 4) } },
      ContractCase("swiglu") { r in r.each(shapes) { r.operand($0, in: -50...50).unary(.silu) * r.operand($0) } },
    ]

  static let reductions: [ContractCase] =
    ReduceKind.allCases.flatMap { kind in
      (0..<3).map { axis in
        ContractCase("reduce \(kind) axis \(axis)") { r in
          r.each([[1, 1, 1], [3, 17, 33], [65, 2, 3], [2, 65, 1], [1, 3, 65]]) { r.operand($0).reduce(kind, axis: axis) }
          // Nothing to reduce to; an axis of size 0 only where the result is a number.
          r.each([[0, 3, 4], [3, 0, 4], [3, 4, 0]].filter { kind == .sum || $0[axis] != 0 }) { r.operand(Shape($0)).reduce(kind, axis: axis) }
        }
      }
    }
    + (0..<3).map { axis in
      ContractCase("cumsum axis \(axis)") { r in
        r.each([[1, 1, 1], [3, 17, 33], [65, 2, 3], [0, 3, 1], [3, 0, 2]]) { r.operand($0).cumsum(axis: axis) }
        r.each([[3, 17, 5]]) { r.operand($0, .i32, in: -9...9).cumsum(axis: axis) }
      }
    }
    + [ReduceKind.sum, .max, .argmax].map { kind in
      ContractCase("reduce \(kind) i32") { r in r.each([[17], [3, 33]]) { r.operand($0, .i32, in: -9...9).reduce(kind) } }
    }
    + [true, false].map { indices in
      ContractCase("topK \(indices ? "indices" : "values")") { r in
        for k in [1, 3] { r.each([[3], [17], [3, 33], [2, 3, 65], [0, 5]]) { r.operand($0).topK(k, indices: indices) } }
        r.each([[1], [17], [3, 33]]) { r.operand($0).topK($0[-1], indices: indices) }
      }
    }
}

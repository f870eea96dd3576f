import AviaryTensor

extension ContractCase {
  /// Rows, columns and terms of a product.
  struct Sizes: Sendable, CustomStringConvertible {
    let m: Int, n: Int, k: Int
    init(_ m: Int, _ n: Int, _ k: Int) { (self.m, self.n, self.k) = (m, n, k) }
    var description: String { "\(m)x\(n)x\(k)" }
  }

  private static let sizes = [
    Sizes(1, 1, 1), Sizes(3, 17, 33), Sizes(17, 65, 3), Sizes(33, 1, 65), Sizes(1, 33, 17), Sizes(65, 65, 65), Sizes(1, 3, 129), Sizes(2, 64, 256),
    Sizes(3, 33, 40), Sizes(13, 130, 48), Sizes(0, 3, 4), Sizes(3, 0, 4), Sizes(3, 4, 0),
  ]

  static let products: [ContractCase] =
    [true, false].map { transposed in
      ContractCase("matmul batched\(transposed ? " transposed" : "")") { r in
        r.each(sizes) { s in
          r.operand([2, s.m, s.k]).matmul(r.operand(transposed ? [2, s.n, s.k] : [2, s.k, s.n]), transposed: transposed)
        }
        r.each(sizes) { s in
          r.operand([2, 3, s.m, s.k]).matmul(r.operand(transposed ? [2, 3, s.n, s.k] : [2, 3, s.k, s.n]), transposed: transposed)
        }
        // One matrix for all batches, which is no weight.
        r.each(sizes) { s in r.operand([2, s.m, s.k]).matmul(r.operand(transposed ? [s.n, s.k] : [s.k, s.n]), transposed: transposed) }
      }
    }
    + [DType.f32, .f16, .bf16].flatMap { dtype in
      sizes.map { s in
        ContractCase("linear \(dtype) \(s)", weights: [([s.n, s.k], dtype), ([s.n], .f32), ([s.n + 2, s.k], dtype)]) { r in
          r.each([Shape([s.m, s.k]), [2, s.m, s.k]]) { shape in r.operand(shape).matmul(r.weight(0)) }
          r.each([Shape([s.m, s.k])]) { r.operand($0).matmul(r.weight(2).slice(0, 1..<s.n + 1)) }
          for activation in [nil, UnaryKind.gelu, .geluTanh, .quickGelu, .silu, .relu] {
            for extras in 0..<4 {
              r.each([Shape([2, s.m, s.k])]) { shape in
                var y = r.operand(shape).matmul(r.weight(0))
                if extras & 1 != 0 { y = y + r.weight(1) }
                if let activation { y = y.unary(activation) }
                if extras & 2 != 0 { y = y + r.operand([2, s.m, s.n]) }
                return y
              }
            }
          }
        }
      }
    }

  /// Rows of one, two and five blocks; a backend may have no kernel for a type, never a wrong one.
  static let quantised: [ContractCase] = DType.quantised.flatMap { dtype in
    [Sizes(1, 1, 1), Sizes(1, 33, 2), Sizes(3, 17, 1), Sizes(17, 65, 5), Sizes(2, 64, 2), Sizes(0, 3, 1), Sizes(3, 0, 1)].map { s in
      let k = s.k * dtype.blockElements
      return ContractCase("linear \(dtype) \(s.m)x\(s.n)x\(k)", weights: [([s.n, k], dtype), ([s.n], .f32), ([s.n + 2, k], dtype)], mayBeDeclined: true) { r in
        r.each([Shape([s.m, k]), [2, s.m, k]]) { shape in r.operand(shape).matmul(r.weight(0)) }
        r.each([Shape([s.m, k])]) { r.operand($0).matmul(r.weight(2).slice(0, 1..<s.n + 1)) }
        r.each([Shape([2, s.m, k])]) { shape in (r.operand(shape).matmul(r.weight(0)) + r.weight(1)).unary(.silu) + r.operand([2, s.m, s.n]) }
      }
    } + [
      ContractCase("gatherRows \(dtype)", weights: [([17, 2 * dtype.blockElements], dtype)], mayBeDeclined: true) { r in
        r.each([[0], [1], [2, 3], [65]], layouts: [.plain, .sliced, .permuted]) { r.weight(0).gatherRows(r.operand($0, .i32, in: 0...16)) }
        r.each([[3]], layouts: [.plain]) { r.weight(0).slice(0, 2..<9).gatherRows(r.ids($0, below: 7)) }
      }
    ]
  }

  static let norms: [ContractCase] =
    [1, 3, 17, 33, 65, 257].map { width in
      ContractCase("norms \(width)", weights: [([width], .f32), ([width], .f32), ([width], .f16)]) { r in
        let shapes: [Shape] = [[width], [1, width], [3, width], [2, 3, width], [0, width]]
        r.each(shapes) { r.operand($0).layerNorm(r.weight(0), r.weight(1), epsilon: 1e-2) }
        r.each(shapes) { r.operand($0).rmsNorm(r.weight(0), epsilon: 1e-5) }
        r.each(shapes) { r.operand($0).rmsNorm(r.weight(2), epsilon: 1e-6) }
        r.each(shapes) { r.operand($0).softmax() }
        r.each(shapes) { r.operand($0, in: -200...200).softmax() }
      }
    }
    + [1, 2, 4].map { groups in
      ContractCase("groupNorm \(groups)", weights: [([4], .f32), ([4], .f32)]) { r in
        r.each([[1, 4, 3], [2, 4, 3, 5], [3, 4, 17], [2, 4, 2], [0, 4, 3]]) { r.operand($0).groupNorm(r.weight(0), r.weight(1), groups: groups, epsilon: 1e-2) }
      }
    }
}

import AviaryTensor

extension ContractCase {
  static let shapes: [Shape] = [[], [0], [1], [3], [17], [33], [65], [3, 17], [17, 3], [2, 3, 65], [1, 33, 1], [0, 5], [5, 0], [3, 2, 3, 17]]
  private static let matrices: [Shape] = [[1, 1], [3, 17], [17, 1], [33, 65], [2, 3, 5], [0, 3], [3, 0]]

  private static let plain = DType.allCases.filter { !$0.isQuantised }

  static let moves: [ContractCase] =
    plain.flatMap { dtype in
      let rare = dtype != .f32 && dtype != .i32
      return [
        ContractCase("contiguous \(dtype)", mayBeDeclined: rare) { r in r.each(shapes) { r.operand($0, dtype).contiguous() } },
        ContractCase("concat \(dtype)", mayBeDeclined: rare) { r in
          r.each(matrices) { shape in
            let last = r.operand(shape, dtype)
            var wider = shape
            wider[-1] += 2
            return .concat([last, r.operand(wider, dtype), last], axis: -1)
          }
          r.each(matrices) { .concat([r.operand($0, dtype), r.operand($0, dtype)], axis: 0) }
        },
        ContractCase("pad \(dtype)", mayBeDeclined: rare) { r in
          r.each(matrices) { r.operand($0, dtype).padded(0, before: 1, after: 2, value: 1) }
          r.each(matrices) { r.operand($0, dtype).padded(-1, before: 2, value: 0) }
        },
        ContractCase("select \(dtype)", mayBeDeclined: rare) { r in
          r.each(shapes) { r.operand($0, .bool).select(r.operand($0, dtype), r.operand($0, dtype)) }
        },
      ]
    } + casts + rows + [
      ContractCase("scatterAddRows") { r in
        for shape in [Shape([1, 1]), [3, 17], [65, 3, 2], [5, 130]] {
          // Ids come several times.
          r.each([0, 1, 7]) { count in
            var rows = shape
            rows[0] = count
            return r.state(shape, .f32).scatterAddRows(r.operand(rows), at: r.ids([count], below: shape[0]))
          }
          r.each([4]) { r.operand(shape).scatterAddRows(r.operand(Shape([$0] + shape.dims.dropFirst())), at: r.operand([$0], .i32, in: 0...Double(shape[0] - 1))) }
        }
        r.each([1, 3]) { layer in
          let part = r.state([4, 5, 2, 3], .f32).slice(0, layer..<layer + 1).reshaped(5, 6)
          return part.scatterAddRows(r.operand([3, 6]), at: r.ids([3], below: 5))
        }
      },
      ContractCase("leaves") { r in
        r.each([0, 1, 3, 65], layouts: [.plain]) { r.graph.iota($0, start: $0 - 2) }
        r.each([0, -1.5, Float.pi], layouts: [.plain]) { r.graph.scalar($0) }
      }
    ]

  private static let casts: [ContractCase] = plain.flatMap { from in
    plain.filter { $0 != from }.map { to in
      let common: Set<DType> = [.f32, .f16, .bf16, .i32, .bool]
      return ContractCase("cast \(from) to \(to)", mayBeDeclined: !common.contains(from) || !common.contains(to)) { r in
        // Also beyond the integers' ranges, where they saturate; infinite sixteen-bit floats are left out.
        r.each([[], [0], [33], [3, 17]]) { r.operand($0, from, in: -100...300).cast(to) }
      }
    }
  }

  private static let rows: [ContractCase] = [DType.f32, .f16, .bf16, .i32].flatMap { dtype in
    [
      ContractCase("gatherRows \(dtype)", weights: [([17, 33], dtype), ([5], dtype), ([3, 2, 5], dtype)]) { r in
        r.each([[0], [1], [2, 3], [65]], layouts: [.plain, .sliced, .permuted]) { r.weight(0).gatherRows(r.operand($0, .i32, in: 0...16)) }
        r.each([[0], [7]], layouts: [.plain]) { r.weight(1).gatherRows(r.ids($0, below: 5)) }
        r.each([[4]], layouts: [.plain]) { r.weight(2).gatherRows(r.ids($0, below: 3)) }
        r.each([Shape([1, 3]), [17, 17], [5, 3, 4]]) { r.operand($0, dtype).gatherRows(r.ids([6], below: $0[0])) }
      },
      ContractCase("scatterRows \(dtype)") { r in
        for source in Set([dtype, dtype.isFloat ? .f32 : dtype]) {
          r.each([Shape([1, 1]), [3, 17], [65, 3, 2]]) { shape in
            var rows = shape
            // Distinct ids, since the order of writes to one row is not defined.
            rows[0] = min(shape[0], 2)
            return r.state(shape, dtype).scatterRows(r.operand(rows, source), at: r.graph.iota(rows[0], start: shape[0] - rows[0]))
          }
        }
        r.each([1, 3]) { layer in
          let cache = r.state([4, 5, 2, 3], dtype)
          return cache.slice(0, layer..<layer + 1).reshaped(5, 6).scatterRows(r.operand([2, 6], dtype), at: r.graph.iota(2, start: 1))
        }
        r.each([Shape([3, 17]), [0, 3]]) { r.operand($0, dtype).scatterRows(r.operand([min($0[0], 1), $0[1]], dtype), at: r.graph.iota(min($0[0], 1))) }
      },
    ]
  }
}

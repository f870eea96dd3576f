import AviaryTensor

extension ContractCase {
  static let transformer: [ContractCase] = ropes + attentions + [
    ContractCase("attention without keys") { r in
      r.each([1, 3]) { r.operand([1, $0, 2, 4]).attention(r.operand([1, 0, 1, 4]), r.operand([1, 0, 1, 4]), Attention(scale: 1)) }
    },
    ContractCase("attention without queries") { r in
      r.each([1, 3]) { r.operand([1, 0, 2, 4]).attention(r.operand([1, $0, 1, 4]), r.operand([1, $0, 1, 4]), Attention(scale: 1)) }
    },
    ContractCase("attention of a query that sees nothing") { r in
      r.each([1, 17]) { keys in
        let unseen = r.graph.iota(3, start: -2).reshaped(1, 3)
        return r.operand([1, 3, 2, 4]).attention(r.operand([1, keys, 1, 4]), r.operand([1, keys, 1, 4]), Attention(scale: 1), positions: unseen)
      }
    },
    ContractCase("attention over a state") { r in
      // Keys and values as a cache keeps them: [layer, context, heads, width], a window of the filled part.
      r.each([DType.f32, .f16, .bf16]) { dtype in
        let cache = r.state([2, 40, 2, 16], dtype)
        let filled = cache.slice(0, 1..<2).slice(1, 0..<33)
        return r.operand([1, 3, 4, 16]).attention(filled, filled, Attention(scale: 0.25), positions: r.graph.iota(3, start: 30).reshaped(1, 3))
      }
    },
    ContractCase("attention over a state of blocks", mayBeDeclined: true) { r in
      // What the step itself writes, since numbers in blocks are made by writing them.
      r.each([Shape([1, 4, 2, 64, 32]), [3, 2, 2, 32, 96], [40, 6, 1, 96, 64], [9, 8, 2, 256, 32]]) { shape in
        let (queries, heads, keyHeads, width, valueWidth) = (shape[0], shape[1], shape[2], shape[3], shape[4])
        func kept(_ width: Int) -> Tensor {
          let cache = r.state([150, keyHeads, width], .q8_0).scatterRows(r.operand([141, keyHeads, width]), at: r.graph.iota(141, start: 4))
          return cache.slice(0, 4..<145).reshaped(1, 141, keyHeads, width)
        }
        return r.operand([1, queries, heads, width]).attention(kept(width), kept(valueWidth), Attention(scale: 0.25), positions: r.ids([1, queries], below: 141))
      }
    },
  ]

  private static let ropes: [ContractCase] = [0, 2, 8, 34].flatMap { rotary in
    [false, true].map { interleaved in
      ContractCase("rope \(rotary)\(interleaved ? " interleaved" : "")", weights: [([rotary / 2], .f32)]) { r in
        var spec = RoPE(rotary: rotary)
        (spec.interleaved, spec.scale) = (interleaved, 1.25)
        for width in [rotary, rotary + 3] where width > 0 {
          r.each([Shape([1, 1, width]), [17, 3, width], [2, 5, 2, width], [0, 2, width]]) { [spec] shape in
            r.operand(shape).rope(spec, positions: r.ids(shape.dropLast(2), below: 5000), inverseFrequencies: r.weight(0))
          }
        }
      }
    }
  }

  private struct Heads: Sendable, CustomStringConvertible {
    let batches: Int, queries: Int, keys: Int, heads: Int, keyHeads: Int, width: Int, valueWidth: Int
    init(_ b: Int, _ tq: Int, _ tk: Int, _ hq: Int, _ hk: Int, _ d: Int, _ dv: Int) {
      (batches, queries, keys, heads, keyHeads, width, valueWidth) = (b, tq, tk, hq, hk, d, dv)
    }
    var description: String { "b\(batches) tq\(queries) tk\(keys) hq\(heads) hk\(keyHeads) d\(width) dv\(valueWidth)" }
  }

  private static let heads = [
    Heads(1, 1, 1, 1, 1, 1, 1), Heads(1, 1, 17, 4, 2, 8, 8), Heads(2, 5, 33, 3, 3, 17, 5), Heads(1, 3, 65, 4, 1, 33, 16), Heads(2, 65, 65, 2, 2, 16, 16),
    Heads(1, 1, 300, 2, 2, 64, 64), Heads(1, 33, 129, 8, 2, 32, 32),
  ]

  private enum Mask: CaseIterable, Sendable { case none, positions, window, bias, sharedBias, softcap, everything }

  private static let attentions: [ContractCase] = Mask.allCases.flatMap { mask in
    [DType.f32, .f16, .bf16].map { dtype in
      ContractCase("attention \(mask) \(dtype)") { r in
        r.each(heads) { h in
          var spec = Attention(scale: 0.4)
          if mask == .window || mask == .everything { spec.window = 7 }
          if mask == .softcap || mask == .everything { spec.softcap = 2 }
          var positions: Tensor?
          if mask == .positions || mask == .window || mask == .everything { positions = r.ids([h.batches, h.queries], below: h.keys) }
          var bias: Tensor?
          if mask == .bias { bias = r.operand([h.batches, h.heads, h.queries, h.keys]) }
          if mask == .sharedBias || mask == .everything { bias = r.operand([1, 1, h.queries, h.keys]) }
          return r.operand([h.batches, h.queries, h.heads, h.width]).attention(
            r.operand([h.batches, h.keys, h.keyHeads, h.width], dtype), r.operand([h.batches, h.keys, h.keyHeads, h.valueWidth], dtype), spec,
            positions: positions, bias: bias)
        }
      }
    }
  }
}

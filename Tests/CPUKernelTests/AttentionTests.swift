import CAviaryKernels
import Foundation
import Testing

/// One case of attention, and what the definition gives for it.
struct AttentionCase {
  var batch = 1, heads = 2, kvHeads = 1, tq = 3, tk = 17, head = 17, vHead = 17
  var type = AV_F32
  var causal = false, window = 0, softcap: Float = 0, scale: Float = 1.5
  var biasHeads = 0  // 0: none, 1: shared by the heads, or `heads`

  var name: String {
    "b\(batch) h\(heads)/\(kvHeads) tq\(tq) tk\(tk) d\(head)/\(vHead) type\(type.rawValue) causal \(causal) window \(window) cap \(softcap) bias \(biasHeads)"
  }

  func check(_ pool: OpaquePointer) -> Float {
    let q = noise(batch * tq * heads * head), bias = noise(max(1, biasHeads) * tq * tk, seed: 4).map { $0 > 0.9 ? -.infinity : $0 }
    let k = Stored(noise(batch * tk * kvHeads * head, seed: 2), type), v = Stored(noise(batch * tk * kvHeads * vHead, seed: 3), type)
    // The last query sees the last key; the first rows of the longest cases see nothing at all.
    let positions = (0..<tq).map { Int32($0 + max(tk - tq, -2)) }
    var out = [Float](repeating: .nan, count: batch * tq * heads * vHead)
    q.withUnsafeBufferPointer { q in k.bytes.withUnsafeBytes { k in v.bytes.withUnsafeBytes { v in bias.withUnsafeBufferPointer { bias in
      positions.withUnsafeBufferPointer { positions in out.withUnsafeMutableBufferPointer { out in
        var p = av_attention_args()
        (p.batch, p.heads, p.kv_heads, p.tq, p.tk) = (Int64(batch), Int64(heads), Int64(kvHeads), Int64(tq), Int64(tk))
        (p.head, p.v_head, p.scale, p.softcap, p.kv_type) = (Int64(head), Int64(vHead), scale, softcap, type)
        (p.q, p.k, p.v, p.out) = (q.baseAddress, k.baseAddress, v.baseAddress, out.baseAddress)
        (p.q_batch, p.q_token, p.q_head) = (Int64(tq * heads * head), Int64(heads * head), Int64(head))
        (p.k_batch, p.k_token, p.k_head) = (Int64(tk * kvHeads * head), Int64(kvHeads * head), Int64(head))
        (p.v_batch, p.v_token, p.v_head_stride) = (Int64(tk * kvHeads * vHead), Int64(kvHeads * vHead), Int64(vHead))
        (p.out_batch, p.out_token, p.out_head) = (Int64(tq * heads * vHead), Int64(heads * vHead), Int64(vHead))
        if causal { (p.positions, p.window) = (positions.baseAddress, Int64(window)) }
        if biasHeads > 0 { (p.bias, p.bias_head, p.bias_row) = (bias.baseAddress, biasHeads > 1 ? Int64(tq * tk) : 0, Int64(tk)) }
        av_attention(pool, &p)
      } }
    } } } }

    var wanted = [Float](repeating: 0, count: out.count)
    for b in 0..<batch { for i in 0..<tq { for h in 0..<heads {
      let g = h / (heads / kvHeads)
      var scores = (0..<tk).map { j -> Double in
        var s = (0..<head).reduce(0.0) {
          $0 + Double(q[((b * tq + i) * heads + h) * head + $1]) * Double(k.values[((b * tk + j) * kvHeads + g) * head + $1])
        } * Double(scale)
        if softcap > 0 { s = Double(softcap) * tanh(s / Double(softcap)) }
        if biasHeads > 0 { s += Double(bias[(biasHeads > 1 ? h : 0) * tq * tk + i * tk + j]) }
        if causal, j > Int(positions[i]) || (window > 0 && j <= Int(positions[i]) - window) { s = -.infinity }
        return s
      }
      let most = scores.max() ?? -.infinity
      guard most > -.infinity else { continue }
      scores = scores.map { exp($0 - most) }
      let sum = scores.reduce(0, +)
      for d in 0..<vHead {
        let y = (0..<tk).reduce(0.0) { $0 + scores[$1] * Double(v.values[((b * tk + $1) * kvHeads + g) * vHead + d]) }
        wanted[((b * tq + i) * heads + h) * vHead + d] = Float(y / sum)
      }
    } } }
    return relativeError(out, wanted)
  }
}

@Suite struct AttentionTests {
  @Test(arguments: Level.all, floatTypes) func shapes(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for tq in [1, 3, 17, 65] { for tk in [1, 3, 33, 300] { for head in [1, 17, 64, 80] { for (heads, kvHeads) in [(2, 2), (6, 2), (5, 1)] {
        let test = AttentionCase(heads: heads, kvHeads: kvHeads, tq: tq, tk: tk, head: head, vHead: head == 17 ? 33 : head, type: type, causal: tq > 1 && tk > 3)
        #expect(test.check(pool) < 5e-6, "\(test.name)")
      } } } }
    }
  }

  @Test(arguments: Level.all) func blocks(_ level: Level) {
    level.withPool { pool in
      for tq in [1, 2, 5, 65] { for tk in [1, 33, 300] { for (head, vHead) in [(32, 32), (64, 96), (128, 32), (256, 256), (2048, 2080)] { for (heads, kvHeads) in [(2, 2), (8, 2)] {
        let test = AttentionCase(heads: heads, kvHeads: kvHeads, tq: tq, tk: tk, head: head, vHead: vHead, type: AV_Q8_0, causal: tq > 1 && tk > 3, scale: 0.3)
        #expect(test.check(pool) < 1e-5, "\(test.name)")
      } } } }
    }
  }

  @Test(arguments: Level.all) func masksAndBias(_ level: Level) {
    level.withPool { pool in
      for tq in [1, 5, 70] { for tk in [5, 65, 700] { for bias in [0, 1, 4] { for cap: Float in [0, 2] { for window in [0, 1, 20] {
        let test = AttentionCase(
          batch: 2, heads: 4, kvHeads: 2, tq: tq, tk: tk, head: 24, vHead: 24, type: AV_F32, causal: true, window: window, softcap: cap, biasHeads: bias)
        #expect(test.check(pool) < 5e-6, "\(test.name)")
      } } } } }
    }
  }

  @Test(arguments: Level.all) func largeHeads(_ level: Level) {
    level.withPool { pool in
      for (tq, head) in [(1, 2048), (40, 2048), (3, 2100), (14, 2100)] {
        let test = AttentionCase(heads: 2, kvHeads: 1, tq: tq, tk: 130, head: head, vHead: head, causal: true, scale: 0.05, biasHeads: 2)
        #expect(test.check(pool) < 1e-5, "\(test.name)")
      }
    }
  }
}

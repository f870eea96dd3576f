import CAviaryKernels
import Foundation
import Testing

@Suite struct RowsTests {
  func rows(_ pool: OpaquePointer, _ x: [Float], _ count: Int, _ cols: Int, _ body: (inout av_rows) -> Void) -> [Float] {
    var y = [Float](repeating: .nan, count: x.count)
    x.withUnsafeBufferPointer { x in y.withUnsafeMutableBufferPointer { y in
      var r = av_rows(rows: Int64(count), cols: Int64(cols), x: x.baseAddress, x_row: Int64(cols), y: y.baseAddress, y_row: Int64(cols))
      body(&r)
    } }
    return y
  }

  @Test(arguments: Level.all, floatTypes) func norms(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for cols in oddSizes + [1024] {
        let x = noise(7 * cols).map { $0 * 3 + 10 }, weight = Stored(noise(cols, seed: 2), type), bias = Stored(noise(cols, seed: 3), type)
        weight.bytes.withUnsafeBytes { w in bias.bytes.withUnsafeBytes { b in
          let (wv, bv) = (av_vector(data: w.baseAddress, type: type), av_vector(data: b.baseAddress, type: type))
          let layer = rows(pool, x, 7, cols) { av_layer_norm(pool, &$0, wv, bv, 1e-5) }
          let rms = rows(pool, x, 7, cols) { av_rms_norm(pool, &$0, wv, 1e-5) }
          var wantedLayer = [Float](), wantedRMS = [Float]()
          for r in 0..<7 {
            let row = x[(r * cols)..<((r + 1) * cols)].map { Double($0) }
            let mean = row.reduce(0, +) / Double(cols), variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(cols)
            let square = row.reduce(0) { $0 + $1 * $1 } / Double(cols)
            for (i, v) in row.enumerated() {
              wantedLayer.append(Float((v - mean) / (variance + 1e-5).squareRoot() * Double(weight.values[i]) + Double(bias.values[i])))
              wantedRMS.append(Float(v / (square + 1e-5).squareRoot() * Double(weight.values[i])))
            }
          }
          #expect(relativeError(layer, wantedLayer) < 5e-6, "layer norm of \(cols)")
          #expect(relativeError(rms, wantedRMS) < 1e-6, "rms norm of \(cols)")
        } }
      }
    }
  }

  @Test(arguments: Level.all) func groupNorm(_ level: Level) {
    level.withPool { pool in
      let (n, channels, inner, groups) = (2, 6, 35, 3)
      let x = noise(n * channels * inner), weight = noise(channels, seed: 2), bias = noise(channels, seed: 3)
      var y = [Float](repeating: .nan, count: x.count), wanted = [Float]()
      weight.withUnsafeBytes { w in bias.withUnsafeBytes { b in
        av_group_norm(
          pool, x, &y, Int64(n), Int64(channels), Int64(inner), Int64(groups), av_vector(data: w.baseAddress, type: AV_F32),
          av_vector(data: b.baseAddress, type: AV_F32), 1e-6)
      } }
      let size = channels / groups * inner
      for (i, v) in x.enumerated() {
        let group = x[(i / size * size)..<((i / size + 1) * size)].map { Double($0) }
        let mean = group.reduce(0, +) / Double(size), variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
        let c = i / inner % channels
        wanted.append(Float((Double(v) - mean) / (variance + 1e-6).squareRoot() * Double(weight[c]) + Double(bias[c])))
      }
      #expect(relativeError(y, wanted) < 2e-6)
    }
  }

  @Test(arguments: Level.all) func softmax(_ level: Level) {
    level.withPool { pool in
      for cols in oddSizes {
        var x = noise(5 * cols).map { $0 * 30 }
        x[0] = 1e30
        for i in 0..<cols { x[4 * cols + i] = -.infinity }
        let y = rows(pool, x, 5, cols) { av_softmax(pool, &$0) }
        var wanted = [Float]()
        for r in 0..<4 {
          let row = x[(r * cols)..<((r + 1) * cols)].map { Double($0) }, most = row.max() ?? 0
          let sum = row.reduce(0) { $0 + exp($1 - most) }
          wanted += row.map { Float(exp($0 - most) / sum) }
        }
        #expect(relativeError(y, wanted + [Float](repeating: 0, count: cols)) < 1e-6, "\(cols)")
      }
    }
  }

  @Test(arguments: Level.all, [false, true]) func rope(_ level: Level, _ interleaved: Bool) {
    level.withPool { pool in
      for (head, dims) in [(4, 4), (34, 34), (80, 32), (66, 2)] { for tokens in [1, 9] {
        let heads = 3, half = dims / 2
        let x = noise(tokens * heads * head), positions = (0..<tokens).map { Int32($0 * 9001 + 5) }
        let inverse = (0..<half).map { Float(pow(10000, -Double($0) / Double(half))) }
        var y = [Float](repeating: .nan, count: x.count), inPlace = x, wanted = x
        positions.withUnsafeBufferPointer { positions in inverse.withUnsafeBufferPointer { inverse in
          for target in 0..<2 {
            x.withUnsafeBufferPointer { x in y.withUnsafeMutableBufferPointer { y in inPlace.withUnsafeMutableBufferPointer { same in
              var p = av_rope_args()
              (p.tokens, p.heads, p.head, p.dims) = (Int64(tokens), Int64(heads), Int64(head), Int64(dims))
              p.x = target == 0 ? x.baseAddress : UnsafePointer(same.baseAddress)
              p.y = target == 0 ? y.baseAddress : same.baseAddress
              (p.x_token, p.x_head, p.y_token, p.y_head) = (Int64(heads * head), Int64(head), Int64(heads * head), Int64(head))
              (p.positions, p.inv_freq, p.attention_factor, p.interleaved) = (positions.baseAddress, inverse.baseAddress, 1.25, interleaved)
              av_rope(pool, &p)
            } } }
          }
        } }
        for t in 0..<tokens { for h in 0..<heads { for i in 0..<half {
          // The angle is rounded to f32, as the models that were trained with it did.
          let angle = Double(Float(positions[t]) * inverse[i]), at = (t * heads + h) * head
          let (first, second) = interleaved ? (at + 2 * i, at + 2 * i + 1) : (at + i, at + i + half)
          wanted[first] = Float((Double(x[first]) * cos(angle) - Double(x[second]) * sin(angle)) * 1.25)
          wanted[second] = Float((Double(x[second]) * cos(angle) + Double(x[first]) * sin(angle)) * 1.25)
        } } }
        #expect(relativeError(y, wanted) < 5e-7)
        #expect(inPlace == y)
      } }
    }
  }

  @Test(arguments: Level.all) func gatedUnits(_ level: Level) {
    level.withPool { pool in
      for cols in oddSizes + [5000] {
        let gate = noise(2 * cols).map { $0 * 5 }, up = noise(2 * cols, seed: 2)
        for kind in ProductTests.activations {
          var y = [Float](repeating: .nan, count: 2 * cols)
          av_gated(pool, kind, 2, Int64(cols), gate, Int64(cols), up, Int64(cols), &y, Int64(cols))
          #expect(relativeError(y, zip(gate, up).map { activated(kind, $0) * $1 }) < 2e-6)
        }
      }
    }
  }

  @Test(arguments: Level.all) func reductions(_ level: Level) {
    level.withPool { pool in
      for count in oddSizes + [10_000] { for inner in [1, 5, 33] where count * inner < 100_000 {
        let outer = 3
        let x = noise(outer * count * inner).map { $0 + 0.5 }
        for kind in [AV_REDUCE_SUM, AV_REDUCE_MEAN, AV_REDUCE_MAX] {
          var y = [Float](repeating: .nan, count: outer * inner)
          av_reduce(pool, kind, x, &y, Int64(outer), Int64(count), Int64(inner))
          let wanted = (0..<outer * inner).map { at -> Float in
            let line = (0..<count).map { Double(x[(at / inner * count + $0) * inner + at % inner]) }
            return Float(kind == AV_REDUCE_MAX ? line.max() ?? 0 : line.reduce(0, +) / (kind == AV_REDUCE_MEAN ? Double(count) : 1))
          }
          #expect(relativeError(y, wanted) < 5e-6, "\(kind.rawValue) of \(count) x \(inner)")
        }
        var index = [Int32](repeating: -1, count: outer * inner), sums = [Float](repeating: .nan, count: x.count)
        av_argmax(pool, x, &index, Int64(outer), Int64(count), Int64(inner))
        av_cumsum(pool, x, &sums, Int64(outer), Int64(count), Int64(inner))
        for at in 0..<outer * inner {
          let line = (0..<count).map { x[(at / inner * count + $0) * inner + at % inner] }
          #expect(Int(index[at]) == line.firstIndex(of: line.max() ?? 0))
          let last = sums[(at / inner * count + count - 1) * inner + at % inner]
          #expect(abs(last - line.reduce(0, +)) <= 1e-4 * Float(count))
        }
      } }
    }
  }

  @Test(arguments: Level.all) func topK(_ level: Level) {
    level.withPool { pool in
      for cols in oddSizes + [3000] { for k in [1, 3, 40] where k <= cols {
        let x = noise(4 * cols).map { ($0 * 50).rounded() }
        var values = [Float](repeating: .nan, count: 4 * k), indices = [Int32](repeating: -1, count: 4 * k)
        av_top_k(pool, x, Int64(cols), 4, Int64(cols), Int64(k), &values, &indices)
        var alone = [Float](repeating: .nan, count: 4 * k), places = [Int32](repeating: -1, count: 4 * k)
        av_top_k(pool, x, Int64(cols), 4, Int64(cols), Int64(k), &alone, nil)
        av_top_k(pool, x, Int64(cols), 4, Int64(cols), Int64(k), nil, &places)
        #expect(alone == values && places == indices)
        for r in 0..<4 {
          let order = (0..<cols).sorted { a, b in
            let (left, right) = (x[r * cols + a], x[r * cols + b])
            return left != right ? left > right : a < b
          }.prefix(k)
          #expect(indices[(r * k)..<((r + 1) * k)].map { Int($0) } == Array(order))
          #expect(Array(values[(r * k)..<((r + 1) * k)]) == order.map { x[r * cols + $0] })
        }
      } }
    }
  }
}

import CAviaryKernels
import Testing

@Suite struct ProductTests {
  /// x[m, k] w[n, k]ᵀ in double.
  static func product(_ x: [Float], _ w: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Double] {
    var y = [Double](repeating: 0, count: m * n)
    for i in 0..<m { for j in 0..<n { for l in 0..<k { y[i * n + j] += Double(x[i * k + l]) * Double(w[j * k + l]) } } }
    return y
  }

  /// The layer by the kernel, with rows of x `apart` from each other.
  static func linear(_ pool: OpaquePointer, _ x: [Float], apart: Int, _ w: [Float], _ m: Int, _ n: Int, _ k: Int) -> [Float] {
    var y = [Float](repeating: .nan, count: m * n)
    x.withUnsafeBufferPointer { x in w.withUnsafeBufferPointer { w in y.withUnsafeMutableBufferPointer { y in
      var args = av_linear_args()
      (args.m, args.n, args.k) = (Int64(m), Int64(n), Int64(k))
      (args.x, args.ldx, args.w, args.wtype, args.ldw) = (x.baseAddress, Int64(apart), UnsafeRawPointer(w.baseAddress), AV_F32, Int64(k))
      (args.y, args.ldy) = (y.baseAddress, Int64(n))
      av_linear(pool, &args)
    } } }
    return y
  }

  static let activations = [AV_ACT_NONE, AV_ACT_RELU, AV_ACT_GELU, AV_ACT_GELU_TANH, AV_ACT_QUICK_GELU, AV_ACT_SILU]

  @Test(arguments: Level.all, floatTypes) func linear(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      var turn = 0
      for m in [1, 2, 3, 4, 5, 8, 9, 17, 33, 65] {
        for n in [1, 3, 17, 33, 130] {
          for k in [1, 3, 17, 33, 65, 600] {
            turn += 1
            let activation = Self.activations[turn % Self.activations.count]
            let x = noise(m * k, seed: UInt64(turn)), residual = noise(m * n, seed: 3)
            let w = Stored(noise(n * k, seed: 2), type), bias = Stored(noise(n, seed: 4), floatTypes[turn % 3])
            var y = [Float](repeating: .nan, count: m * n)
            w.bytes.withUnsafeBytes { w in bias.bytes.withUnsafeBytes { b in x.withUnsafeBufferPointer { x in residual.withUnsafeBufferPointer { r in
              y.withUnsafeMutableBufferPointer { y in
                var args = av_linear_args()
                (args.m, args.n, args.k) = (Int64(m), Int64(n), Int64(k))
                (args.x, args.ldx, args.w, args.wtype, args.ldw) = (x.baseAddress, Int64(k), w.baseAddress, type, Int64(k))
                (args.y, args.ldy, args.activation) = (y.baseAddress, Int64(n), activation)
                args.bias = av_vector(data: b.baseAddress, type: bias.type)
                (args.residual, args.ldr) = (r.baseAddress, Int64(n))
                av_linear(pool, &args)
              }
            } } } }
            let wanted = Self.product(x, w.values, m, n, k).enumerated().map { i, sum in
              activated(activation, Float(sum) + bias.values[i % n]) + residual[i]
            }
            #expect(relativeError(y, wanted) < 3e-6, "\(m) x \(n) x \(k), activation \(activation.rawValue)")
          }
        }
      }
    }
  }

  @Test(arguments: Level.all) func linearAddsInPlace(_ level: Level) {
    level.withPool { pool in
      for m in [2, 20] {
        let (n, k) = (33, 300)
        let x = noise(m * k), w = noise(n * k, seed: 2), start = noise(m * n, seed: 3)
        var y = start
        x.withUnsafeBufferPointer { x in w.withUnsafeBufferPointer { w in y.withUnsafeMutableBufferPointer { y in
          var args = av_linear_args()
          (args.m, args.n, args.k) = (Int64(m), Int64(n), Int64(k))
          (args.x, args.ldx, args.w, args.wtype, args.ldw) = (x.baseAddress, Int64(k), UnsafeRawPointer(w.baseAddress), AV_F32, Int64(k))
          (args.y, args.ldy, args.residual, args.ldr) = (y.baseAddress, Int64(n), UnsafePointer(y.baseAddress), Int64(n))
          av_linear(pool, &args)
        } } }
        let wanted = zip(Self.product(x, w, m, n, k), start).map { Float($0) + $1 }
        #expect(relativeError(y, wanted) < 2e-6)
      }
    }
  }

  /// Rows are packed or read where they lie, as their distance and the number of columns have it: both sides of each border.
  @Test(arguments: Level.all) func rowsApart(_ level: Level) {
    level.withPool { pool in
      for (m, n, k, apart) in [(40, 1024, 70, 70), (40, 1025, 70, 70), (75, 34, 600, 601), (31, 40, 70, 1024), (31, 40, 70, 2047), (31, 40, 70, 2049)] {
        let x = noise(m * apart), w = noise(n * k, seed: 2)
        let y = Self.linear(pool, x, apart: apart, w, m, n, k)
        let close = (0..<m).flatMap { x[$0 * apart..<$0 * apart + k] }
        #expect(relativeError(y, Self.product(close, w, m, n, k).map { Float($0) }) < 3e-6, "\(m) x \(n) x \(k), \(apart) apart")
      }
    }
  }

  /// Sums are the same, bit for bit, for every number of threads.
  @Test func threadsDoNotChangeResults() {
    let (m, n, k) = (70, 300, 700)
    let x = noise(m * k), w = noise(n * k, seed: 2)
    let results = [1, 2, 5].map { threads in
      Level(isa: av_isa_best(), threads: threads).withPool { pool in
        Self.linear(pool, x, apart: k, w, m, n, k)
      }
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  /// Sizes about the tiles of 14 x 32 and of 32 x 32, and about what panels hold of k.
  @Test(.enabled(if: av_has_bf16_dot()), arguments: Level.ofBF16, floatTypes) func bf16Compute(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for (m, n, k) in [(17, 33, 65), (20, 17, 3), (29, 130, 600), (33, 32, 32), (48, 64, 513), (49, 97, 64), (70, 40, 1100), (600, 34, 40), (33, 40, 2100)] {
        let x = noise(m * k), w = Stored(noise(n * k, seed: 2), type), residual = noise(m * n, seed: 3)
        var y = residual
        x.withUnsafeBufferPointer { x in w.bytes.withUnsafeBytes { w in y.withUnsafeMutableBufferPointer { y in
          var args = av_linear_args()
          (args.m, args.n, args.k, args.bf16) = (Int64(m), Int64(n), Int64(k), true)
          (args.x, args.ldx, args.w, args.wtype, args.ldw) = (x.baseAddress, Int64(k), w.baseAddress, type, Int64(k))
          (args.y, args.ldy, args.residual, args.ldr) = (y.baseAddress, Int64(n), UnsafePointer(y.baseAddress), Int64(n))
          av_linear(pool, &args)
        } } }
        let product = Self.product(Stored(x, AV_BF16).values, Stored(w.values, AV_BF16).values, m, n, k)
        #expect(relativeError(y, zip(product, residual).map { Float($0 + Double($1)) }) < 3e-6, "\(m) x \(n) x \(k)")
      }
    }
  }

  /// Factors that lie along either axis, or along none.
  @Test(.enabled(if: av_has_bf16_dot()), arguments: Level.ofBF16, floatTypes) func bf16Matmul(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for (m, n, k, batch) in [(17, 33, 65, 1), (33, 14, 1, 2), (48, 130, 600, 1), (70, 40, 1100, 1), (40, 45, 32, 30), (190, 20, 37, 2), (17, 20, 2100, 12)] {
        for (aStrides, bStrides) in [((k, 1), (n, 1)), ((k, 1), (1, k)), ((1, m), (n, 1)), ((1, m), (1, k)), ((2 * k, 2), (3 * n, 3))] {
          let (aSize, bSize) = (2 * m * k, 3 * n * k), a = noise(batch * aSize), b = Stored(noise(batch * bSize, seed: 2), type)
          var y = [Float](repeating: .nan, count: batch * m * n)
          a.withUnsafeBufferPointer { a in b.bytes.withUnsafeBytes { b in y.withUnsafeMutableBufferPointer { y in
            var args = av_matmul_args()
            (args.m, args.n, args.k, args.a, args.b, args.y) = (Int64(m), Int64(n), Int64(k), a.baseAddress, b.baseAddress, y.baseAddress)
            (args.b_type, args.bf16, args.y_row, args.batch_rank) = (type, true, Int64(n), 1)
            (args.a_row, args.a_col) = (Int64(aStrides.0), Int64(aStrides.1))
            (args.b_row, args.b_col) = (Int64(bStrides.0), Int64(bStrides.1))
            fill(&args.batch, [batch])
            fill(&args.a_batch, [aSize])
            fill(&args.b_batch, [bSize])
            fill(&args.y_batch, [m * n])
            av_matmul(pool, &args)
          } } }
          let left = Stored(a, AV_BF16).values, right = Stored(b.values, AV_BF16).values
          let wanted = (0..<batch).flatMap { t in
            let rows = (0..<m).flatMap { i in (0..<k).map { left[t * aSize + i * aStrides.0 + $0 * aStrides.1] } }
            let columns = (0..<n).flatMap { j in (0..<k).map { right[t * bSize + $0 * bStrides.0 + j * bStrides.1] } }
            return Self.product(rows, columns, m, n, k).map { Float($0) }
          }
          #expect(relativeError(y, wanted) < 3e-6, "\(m) x \(n) x \(k), \(aStrides), \(bStrides)")
        }
      }
    }
  }

  @Test(arguments: Level.all, floatTypes) func batchedMatmul(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for (batch, m, n, k) in [(1, 3, 17, 33), (3, 33, 65, 17), (2, 65, 33, 300), (40, 17, 3, 1), (40, 20, 50, 300), (2, 190, 20, 37)] {
        for (aTransposed, bTransposed) in [(false, false), (false, true), (true, false), (true, true)] {
          let shared = batch == 3
          let a = noise(batch * m * k), stored = Stored(noise((shared ? 1 : batch) * n * k, seed: 2), type), b = stored.values
          var y = [Float](repeating: .nan, count: batch * m * n)
          a.withUnsafeBufferPointer { a in stored.bytes.withUnsafeBytes { b in y.withUnsafeMutableBufferPointer { y in
            var args = av_matmul_args()
            args.b_type = type
            (args.m, args.n, args.k, args.a, args.b, args.y) = (Int64(m), Int64(n), Int64(k), a.baseAddress, b.baseAddress, y.baseAddress)
            (args.a_row, args.a_col) = aTransposed ? (1, Int64(m)) : (Int64(k), 1)
            (args.b_row, args.b_col) = bTransposed ? (1, Int64(k)) : (Int64(n), 1)
            (args.y_row, args.batch_rank) = (Int64(n), 1)
            fill(&args.batch, [batch])
            fill(&args.a_batch, [m * k])
            fill(&args.b_batch, [shared ? 0 : n * k])
            fill(&args.y_batch, [m * n])
            av_matmul(pool, &args)
          } } }
          var wanted = [Float]()
          for t in 0..<batch { for i in 0..<m { for j in 0..<n {
            var sum = 0.0
            for l in 0..<k {
              let left = a[t * m * k + (aTransposed ? l * m + i : i * k + l)]
              let right = b[(shared ? 0 : t * n * k) + (bTransposed ? j * k + l : l * n + j)]
              sum += Double(left) * Double(right)
            }
            wanted.append(Float(sum))
          } } }
          #expect(relativeError(y, wanted) < 2e-6, "\(batch): \(m) x \(n) x \(k), \(aTransposed) \(bTransposed)")
        }
      }
    }
  }
}

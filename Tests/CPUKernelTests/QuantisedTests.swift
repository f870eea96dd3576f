import CAviaryKernels
import Foundation
import Testing

/// A matrix of quantised blocks, and the values that they stand for.
struct Blocks {
  static let types = [AV_Q8_0, AV_Q4_0, AV_Q4_1, AV_Q5_0, AV_Q5_1, AV_Q2_K, AV_Q3_K, AV_Q4_K, AV_Q5_K, AV_Q6_K]
  let type: av_dtype
  var bytes: [UInt8]

  /// `count` elements of random blocks with scales below 0.01, or of `fill` in every byte but those.
  init(_ type: av_dtype, _ count: Int, seed: UInt64 = 1, fill: UInt8? = nil) {
    self.type = type
    let size = Int(av_block_bytes(type)), blocks = count / Int(av_block_elements(type))
    let random = noise(blocks * size + blocks * 2, seed: seed)
    bytes = (0..<blocks * size).map { fill ?? UInt8(truncatingIfNeeded: Int(random[$0] * 128 + 128)) }
    for block in 0..<blocks {
      for (i, at) in Self.scales(type).enumerated() { set(block, at, Float16(random[blocks * size + block * 2 + i] * 0.01)) }
    }
  }

  /// Where a block's half-precision numbers are.
  static func scales(_ type: av_dtype) -> [Int] {
    switch type {
    case AV_Q4_1, AV_Q5_1, AV_Q4_K, AV_Q5_K: [0, 2]
    case AV_Q2_K: [80, 82]
    case AV_Q3_K: [108]
    case AV_Q6_K: [208]
    default: [0]
    }
  }

  mutating func set(_ block: Int, _ at: Int, _ value: Float16) {
    let place = block * Int(av_block_bytes(type)) + at
    bytes[place] = UInt8(truncatingIfNeeded: value.bitPattern)
    bytes[place + 1] = UInt8(truncatingIfNeeded: value.bitPattern >> 8)
  }

  var values: [Float] {
    let count = bytes.count / Int(av_block_bytes(type)) * Int(av_block_elements(type))
    var y = [Float](repeating: 0, count: count)
    av_dequantize(type, bytes, Int64(count), &y)
    return y
  }
}

/// One of the kernels for quantised weights; tests run over all that this processor has.
struct QuantKernels: Sendable, CustomTestStringConvertible {
  let name: String

  static let all = ["scalar", "neon dot", "avx2", "avxvnni", "avx512vnni"].map(QuantKernels.init).filter { $0.isAvailable }

  var testDescription: String { name }
  private var isAvailable: Bool { Level(isa: AV_ISA_SCALAR, threads: 1).withPool { av_pool_use_quant($0, name) } }

  func withPool<R>(_ body: (OpaquePointer) throws -> R) rethrows -> R {
    try Level(isa: name == "scalar" ? AV_ISA_SCALAR : AV_ISA_AVX2, threads: 3).withPool { pool in
      precondition(av_pool_use_quant(pool, name))
      return try body(pool)
    }
  }
}

@Suite struct QuantisedTests {
  @Test func kernelsOfThePool() {
    #expect(!QuantKernels.all.isEmpty)
    let chosen = Level(isa: av_isa_best(), threads: 1).withPool { String(cString: av_quant_kernels($0)) }
    #expect(QuantKernels.all.contains { $0.name == chosen })
    #expect(Level(isa: AV_ISA_SCALAR, threads: 1).withPool { !av_pool_use_quant($0, "none such") })
  }

  /// Activations as the kernels round them: 32 at a time, the largest to 127.
  static func rounded(_ x: [Float]) -> [Float] {
    var y = x
    for start in stride(from: 0, to: x.count, by: 32) {
      let largest = x[start..<start + 32].map(abs).max() ?? 0
      let scale = largest / 127
      for i in start..<start + 32 { y[i] = largest > 0 ? (x[i] * (127 / largest)).rounded(.toNearestOrEven) * scale : 0 }
    }
    return y
  }

  static func linear(_ pool: OpaquePointer, _ x: [Float], _ w: Blocks, _ m: Int, _ n: Int, _ k: Int, exact: Bool, _ change: (inout av_linear_args) -> Void = { _ in })
    -> [Float]
  {
    var y = [Float](repeating: .nan, count: m * n)
    x.withUnsafeBufferPointer { x in w.bytes.withUnsafeBytes { bytes in y.withUnsafeMutableBufferPointer { y in
      var args = av_linear_args()
      (args.m, args.n, args.k) = (Int64(m), Int64(n), Int64(k))
      (args.x, args.ldx, args.w, args.wtype, args.ldw) = (x.baseAddress, Int64(k), bytes.baseAddress, w.type, Int64(k))
      (args.y, args.ldy, args.exact) = (y.baseAddress, Int64(n), exact)
      change(&args)
      av_linear(pool, &args)
    } } }
    return y
  }

  /// Rows of one block up to several panels' depth, row counts of both ways, and column counts around the panels'.
  @Test(arguments: QuantKernels.all, Blocks.types) func products(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      let block = Int(av_block_elements(type))
      for (m, n, blocks) in [(1, 1, 1), (1, 33, 3), (2, 17, 9), (5, 70, 10), (13, 16, 1), (14, 33, 2), (25, 40, 1300 / block + 1)] {
        let k = blocks * block, x = noise(m * k, seed: 3), w = Blocks(type, n * k, seed: UInt64(m)), values = w.values
        let exact = ProductTests.product(x, values, m, n, k).map { Float($0) }
        #expect(relativeError(Self.linear(pool, x, w, m, n, k, exact: true), exact) < 3e-6, "exact \(m) x \(n) x \(k)")
        // Where an activation lies between two steps, either is right: half a step in one term of k.
        let wanted = ProductTests.product(Self.rounded(x), values, m, n, k).map { Float($0) }
        let found = Self.linear(pool, x, w, m, n, k, exact: false)
        #expect(relativeError(found, wanted) < 2e-3, "rounded \(m) x \(n) x \(k)")
        #expect(relativeError(found, exact) < 0.03)
      }
    }
  }

  /// The largest sums that 16 bits must hold: every bit set or none, every activation at the end of its range.
  @Test(arguments: QuantKernels.all, Blocks.types) func largestSums(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      let k = 512, n = 18
      for m in [1, 14] {
        for fill: UInt8 in [0, 255, 0x7f, 0x80] {
          for sign: Float in [1, -1] {
            let x = [Float](repeating: 3 * sign, count: m * k), w = Blocks(type, n * k, fill: fill)
            let wanted = ProductTests.product(x, w.values, m, n, k).map { Float($0) }
            #expect(relativeError(Self.linear(pool, x, w, m, n, k, exact: false), wanted) < 1e-4, "\(fill) \(sign)")
          }
        }
      }
    }
  }

  @Test(arguments: QuantKernels.all, Blocks.types) func epilogue(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      for m in [2, 20] {
        let (n, k) = (37, 256)
        let x = noise(m * k), w = Blocks(type, n * k), bias = noise(n, seed: 5), residual = noise(m * n, seed: 6)
        let plain = Self.linear(pool, x, w, m, n, k, exact: false)
        let found = bias.withUnsafeBufferPointer { bias in
          residual.withUnsafeBufferPointer { residual in
            Self.linear(pool, x, w, m, n, k, exact: false) {
              $0.bias = av_vector(data: bias.baseAddress, type: AV_F32)
              $0.activation = AV_ACT_SILU
              ($0.residual, $0.ldr) = (residual.baseAddress, Int64(n))
            }
          }
        }
        #expect(relativeError(found, plain.enumerated().map { activated(AV_ACT_SILU, $1 + bias[$0 % n]) + residual[$0] }) < 1e-6)
      }
    }
  }

  /// A scale that is no number spoils its own column, an activation that is none its own row, and nothing else.
  @Test(arguments: QuantKernels.all, Blocks.types) func notNumbers(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      let (n, k) = (19, 512)
      for m in [3, 15] {
        for bad: Float16 in [.nan, .infinity, -.infinity] {
          var x = noise(m * k)
          var w = Blocks(type, n * k)
          w.set(5 * k / Int(av_block_elements(type)), Blocks.scales(type)[0], bad)
          x[2 * k + 40] = Float(bad)
          let y = Self.linear(pool, x, w, m, n, k, exact: false)
          for i in 0..<m { for j in 0..<n { #expect(y[i * n + j].isFinite == (i != 2 && j != 5), "row \(i), column \(j)") } }
        }
      }
    }
  }

  /// With AMX, from 128 rows on weights and activations go as bf16 through its tiles. NaN spoils its own row and column, as elsewhere.
  @Test(.enabled(if: av_isa_best() == AV_ISA_AMX), arguments: Blocks.types) func manyRowsByTiles(_ type: av_dtype) {
    Level(isa: AV_ISA_AMX, threads: 2).withPool { pool in
      let block = Int(av_block_elements(type))
      for (m, n, blocks) in [(128, 1, 1), (130, 33, 3), (129, 70, 9), (161, 70, 2100 / block + 1)] {
        let k = blocks * block, w = Blocks(type, n * k, seed: UInt64(m)), values = w.values
        var x = noise(m * k, seed: 3)
        let wanted = ProductTests.product(Stored(x, AV_BF16).values, Stored(values, AV_BF16).values, m, n, k).map { Float($0) }
        #expect(relativeError(Self.linear(pool, x, w, m, n, k, exact: false), wanted) < 3e-6, "\(m) x \(n) x \(k)")
        #expect(relativeError(Self.linear(pool, x, w, m, n, k, exact: true), ProductTests.product(x, values, m, n, k).map { Float($0) }) < 3e-6)
        x[3 * k] = .nan
        let spoilt = Self.linear(pool, x, w, m, n, k, exact: false)
        for i in 0..<m { for j in 0..<n { #expect(spoilt[i * n + j].isNaN == (i == 3)) } }
      }
    }
  }

  @Test(arguments: QuantKernels.all, Blocks.types) func tables(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      let cols = 512, table = Blocks(type, 7 * cols), values = table.values
      var y = [Float](repeating: .nan, count: 4 * cols)
      #expect(!av_gather_rows(pool, type, table.bytes, 7, Int64(cols), [6, 0, 7, 3], 4, Int64(cols), &y, Int64(cols)))
      let wanted = values[6 * cols..<7 * cols] + values[0..<cols] + [Float](repeating: 0, count: cols) + values[3 * cols..<4 * cols]
      #expect(y == Array(wanted))
    }
  }

  /// Sums are the same, bit for bit, for every number of threads and for any rows beside them.
  @Test(arguments: Blocks.types) func threadsDoNotChangeResults(_ type: av_dtype) {
    let (m, n, k) = (40, 300, 1536)
    let x = noise(m * k), w = Blocks(type, n * k)
    let results = [1, 2, 5].map { threads in
      Level(isa: av_isa_best(), threads: Int32(threads)).withPool { Self.linear($0, x, w, m, n, k, exact: false) }
    }
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  /// A row's sums are the same, bit for bit, whether it is alone or among as many as go the way of few rows; so an answer does not depend on
  /// what else is decoded beside it. Column counts about those that are read side by side, row lengths about eight blocks.
  @Test(arguments: QuantKernels.all, Blocks.types) func rowsAloneAndTogether(_ level: QuantKernels, _ type: av_dtype) {
    level.withPool { pool in
      let block = Int(av_block_elements(type))
      for (m, n, blocks) in [(2, 3, 1), (3, 5, 2), (4, 66, 9), (7, 21, 16), (12, 300, 11)] {
        let k = blocks * block, x = noise(m * k, seed: 4), w = Blocks(type, n * k, seed: 9)
        let together = Self.linear(pool, x, w, m, n, k, exact: false)
        for i in 0..<m {
          let alone = Self.linear(pool, Array(x[i * k..<(i + 1) * k]), w, 1, n, k, exact: false)
          #expect(Array(together[i * n..<(i + 1) * n]) == alone, "row \(i) of \(m) x \(n) x \(k)")
        }
      }
    }
  }
}

import CAviaryKernels
import Testing

@Suite struct MoveTests {
  func cast<From: BitwiseCopyable, To: BitwiseCopyable>(_ pool: OpaquePointer, _ from: av_dtype, _ x: [From], _ to: av_dtype, _ zero: To) -> [To] {
    var y = [To](repeating: zero, count: x.count)
    av_cast(pool, from, x, to, &y, Int64(x.count))
    return y
  }

  /// All 65536 halves to f32 and back, and f32 numbers around every rounding edge to both halves.
  @Test(arguments: Level.all) func halves(_ level: Level) {
    level.withPool { pool in
      let all = (0...65535).map { UInt16($0) }
      for (got, bits) in zip(cast(pool, AV_F16, all, AV_F32, Float(0)), all) {
        let wanted = Float(Float16(bitPattern: bits))
        #expect(got == wanted || (got.isNaN && wanted.isNaN))
      }
      for (got, bits) in zip(cast(pool, AV_BF16, all, AV_F32, Float(0)), all) {
        let wanted = Float(bitPattern: UInt32(bits) << 16)
        #expect(got == wanted || (got.isNaN && wanted.isNaN))
      }
      let edges = (0..<300_000).map { Float(bitPattern: UInt32($0) &* 14_317) } + [.nan, .infinity, -.infinity, 65519.996, 65520, 0x1p-25, 0x1.8p-25]
      for (got, x) in zip(cast(pool, AV_F32, edges, AV_F16, UInt16(0)), edges) {
        #expect(x.isNaN ? Float16(bitPattern: got).isNaN : got == Float16(x).bitPattern, "\(x)")
      }
      for (got, x) in zip(cast(pool, AV_F32, edges, AV_BF16, UInt16(0)), edges) {
        #expect(x.isNaN ? got & 0x7FFF > 0x7F80 : got == bfloat16(x), "\(x)")
      }
    }
  }

  @Test(arguments: Level.all) func integers(_ level: Level) {
    level.withPool { pool in
      let x: [Float] = [1.9, -1.9, 300, -300, 3e9, -3e9, .nan, .infinity, 0]
      #expect(cast(pool, AV_F32, x, AV_I32, Int32(0)) == [1, -1, 300, -300, .max, .min, 0, .max, 0])
      #expect(cast(pool, AV_F32, x, AV_U8, UInt8(0)) == [1, 0, 255, 0, 255, 0, 0, 255, 0])
      #expect(cast(pool, AV_F32, x, AV_I64, Int64(0)) == [1, -1, 300, -300, 3_000_000_000, -3_000_000_000, 0, .max, 0])
      #expect(cast(pool, AV_F32, x, AV_BOOL, UInt8(0)) == [1, 1, 1, 1, 1, 1, 1, 1, 0])
      #expect(cast(pool, AV_I32, [Int32.max, -5], AV_F64, Double(0)) == [2_147_483_647, -5])
      #expect(cast(pool, AV_U8, [UInt8(200), 3], AV_F16, UInt16(0)) == [Float16(200).bitPattern, Float16(3).bitPattern])
    }
  }

  @Test(arguments: Level.all) func stridedCopies(_ level: Level) {
    level.withPool { pool in
      for n in oddSizes {
        // [2, n, 3] permuted to [3, 2, n], element by element; into a destination with gaps.
        let x = (0..<2 * n * 3).map { UInt32($0) }
        var y = [UInt32](repeating: 99, count: 3 * 2 * (n + 2))
        var map = makeMap([3, 2, n], a: [1, 3 * n, 3], b: [2 * (n + 2), n + 2, 1])
        av_copy(pool, &map, 4, x, &y)
        for c in 0..<3 { for b in 0..<2 { for i in 0..<n + 2 {
          #expect(y[(c * 2 + b) * (n + 2) + i] == (i < n ? x[(b * n + i) * 3 + c] : 99))
        } } }
        let bytes = (0..<n).map { UInt8(truncatingIfNeeded: $0) }
        var copy = [UInt8](repeating: 0, count: n), filled = [Int64](repeating: 0, count: n)
        var flat = makeMap([n])
        av_copy(pool, &flat, 1, bytes, &copy)
        #expect(copy == bytes)
        av_fill(pool, 8, [Int64(-7)], &filled, Int64(n))
        #expect(filled == [Int64](repeating: -7, count: n))
      }
      let long = (0..<100_000).map { UInt16(truncatingIfNeeded: $0) }
      var copy = [UInt16](repeating: 0, count: long.count)
      var flat = makeMap([long.count])
      av_copy(pool, &flat, 2, long, &copy)
      #expect(copy == long)
    }
  }

  @Test(arguments: Level.all, floatTypes) func gatherAndScatter(_ level: Level, _ type: av_dtype) {
    level.withPool { pool in
      for cols in oddSizes {
        let table = Stored(noise(6 * cols), type)
        let ids: [Int32] = [5, 0, 0, 3]
        var rows = [Float](repeating: .nan, count: 4 * cols)
        #expect(av_gather_rows(pool, type, table.bytes, 6, Int64(cols), ids, 4, Int64(cols), &rows, Int64(cols)))
        #expect(rows == ids.flatMap { table.values[(Int($0) * cols)..<((Int($0) + 1) * cols)] })

        var target = table.bytes
        let x = noise(4 * cols, seed: 5)
        #expect(av_scatter_rows(pool, AV_F32, x, Int64(cols), ids, 4, Int64(cols), type, &target, 6, Int64(cols)))
        var wanted = table.bytes
        let rounded = Stored(x, type).bytes, size = rounded.count / 4
        for (i, id) in ids.enumerated() { wanted.replaceSubrange((Int(id) * size)..<((Int(id) + 1) * size), with: rounded[(i * size)..<((i + 1) * size)]) }
        #expect(target == wanted)
      }
    }
  }

  @Test(arguments: Level.all) func scatterAdd(_ level: Level) {
    level.withPool { pool in
      for cols in oddSizes {
        let ids: [Int32] = [5, 0, 0, 3]
        var target = noise(6 * cols)
        let x = noise(4 * cols, seed: 5)
        var wanted = target
        for (i, id) in ids.enumerated() { for j in 0..<cols { wanted[Int(id) * cols + j] += x[i * cols + j] } }
        #expect(av_scatter_add_rows(pool, x, Int64(cols), ids, 4, Int64(cols), &target, 6, Int64(cols)))
        #expect(target == wanted)
        #expect(!av_scatter_add_rows(pool, x, Int64(cols), [6] as [Int32], 1, Int64(cols), &target, 6, Int64(cols)))
        #expect(target == wanted)
      }
    }
  }

  @Test func idsOutsideTheTable() {
    Level(isa: av_isa_best(), threads: 2).withPool { pool in
      var rows = [Float](repeating: .nan, count: 4), table: [Float] = [1, 2, 3, 4]
      #expect(!av_gather_rows(pool, AV_F32, table, 2, 2, [1, -1], 2, 2, &rows, 2))
      #expect(rows == [3, 4, 0, 0])
      #expect(!av_scatter_rows(pool, AV_F32, [9, 9, 8, 8] as [Float], 2, [2, 0], 2, 2, AV_F32, &table, 2, 2))
      #expect(table == [8, 8, 3, 4])
    }
  }
}

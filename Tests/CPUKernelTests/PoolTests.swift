import CAviaryKernels
import Foundation
import Testing

/// What jobs count into; each job owns its place, so there is no race to hide.
private struct Tally {
  let counts: UnsafeMutablePointer<Int32>
  static let job: av_job = { context, job, _ in context?.assumingMemoryBound(to: Int32.self)[Int(job)] += 1 }

  static func run(_ pool: OpaquePointer, jobs: Int, times: Int = 1) -> [Int32] {
    let counts = UnsafeMutablePointer<Int32>.allocate(capacity: max(jobs, 1))
    counts.initialize(repeating: 0, count: max(jobs, 1))
    defer { counts.deallocate() }
    for _ in 0..<times { av_pool_run(pool, Int64(jobs), job, counts) }
    return Array(UnsafeBufferPointer(start: counts, count: jobs))
  }
}

@Suite struct PoolTests {
  @Test(arguments: [1, 2, 3, 8]) func everyJobRunsOnce(_ threads: Int32) {
    Level(isa: AV_ISA_SCALAR, threads: threads).withPool { pool in
      for jobs in [0, 1, 2, 7, 1000] { #expect(Tally.run(pool, jobs: jobs) == [Int32](repeating: 1, count: jobs)) }
      // Awake, and asleep between runs; many short runs find lost wake-ups.
      av_pool_wake(pool)
      #expect(Tally.run(pool, jobs: 5, times: 20_000) == [Int32](repeating: 20_000, count: 5))
      av_pool_rest(pool)
      for _ in 0..<20 {
        usleep(500)
        #expect(Tally.run(pool, jobs: 5) == [Int32](repeating: 1, count: 5))
      }
    }
  }

  /// More spinning pools than cores, all at once: the spinning must not keep the others from their work.
  @Test(.timeLimit(.minutes(2))) func oversubscribed() async {
    await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask {
          Level(isa: AV_ISA_SCALAR, threads: 4).withPool { pool in
            av_pool_wake(pool)
            return Tally.run(pool, jobs: 16, times: 2000) == [Int32](repeating: 2000, count: 16)
          }
        }
      }
      for await good in group { #expect(good) }
    }
  }

  @Test func cancelling() {
    Level(isa: AV_ISA_SCALAR, threads: 2).withPool { pool in
      av_pool_set_cancel(pool, { _ in true }, nil)
      #expect(Tally.run(pool, jobs: 1000).reduce(0, +) < 1000)
      #expect(av_pool_cancelled(pool))
      #expect(Tally.run(pool, jobs: 10) == [Int32](repeating: 0, count: 10))
      av_pool_set_cancel(pool, nil, nil)
      #expect(!av_pool_cancelled(pool))
      #expect(Tally.run(pool, jobs: 10) == [Int32](repeating: 1, count: 10))
    }
  }

  @Test func instructionSets() {
    #expect(av_isa_named("avx2") == AV_ISA_AVX2.rawValue)
    #expect(av_isa_named("sse9") == -1)
    // More than the processor has falls back to its best, and says so.
    Level(isa: AV_ISA_AMX, threads: 1).withPool { pool in #expect(av_pool_isa(pool) == av_isa_best()) }
    Level(isa: AV_ISA_SCALAR, threads: 1).withPool { pool in #expect(av_pool_isa(pool) == AV_ISA_SCALAR) }
    #expect(av_isa_default().rawValue <= av_isa_best().rawValue)
    #expect(av_pool_create(0, AV_ISA_SCALAR) == nil)
  }
}

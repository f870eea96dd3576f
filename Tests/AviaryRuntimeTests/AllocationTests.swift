import AviaryCore
import AviaryRuntime
import AviaryTensor
import CAllocationCount
import CoreTestSupport
import Testing

/// A step of decoding allocates nothing once the first steps have run. In optimised builds: what is not optimised boxes
/// at every turn.
@Suite(.enabled(if: isOptimised))
struct AllocationTests {
  /// Allocations of this thread during `body`.
  static func count(_ body: () throws -> Void) rethrows -> Int {
    allocation_count_begin()
    defer { _ = allocation_count_end() }
    try body()
    return allocation_count_end()
  }

  @Test func theCounterCounts() {
    var kept: [[Int]] = []
    kept.reserveCapacity(8)
    #expect(Self.count { kept.append([Int](repeating: 1, count: 1000)) } >= 1)
    #expect(Self.count {} == 0)
  }

  /// With one thread everything runs on the caller's; with two its own share does.
  @Test(arguments: [1, 2]) func aStepOnTheProcessorAllocatesNothing(threads: Int) throws {
    var options = BackendOptions()
    options.threads = threads
    let loaded = try TinyModel.blind(on: try Backends().open("cpu", options))
    let sequence = try TokenSequence(loaded, capacity: 32)
    let prompt = TokenizedPrompt(parts: [.tokens([1, 5, 6])], inputIDs: [1, 5, 6], text: "")
    var logits = try sequence.prefill(prompt, []).logits
    for id: Int32 in [7, 8, 9] { try sequence.decode(id, into: &logits) }
    let allocations = try Self.count {
      for id: Int32 in [10, 11, 12, 13] { try sequence.decode(id, into: &logits) }
    }
    #expect(allocations == 0)
    #expect(logits.allSatisfy { $0.isFinite })
  }

  /// The whole loop around it: sampling and text, too. What text costs is bounded, and no whole list of logits is copied.
  @Test func anAnswersTokensCostFewAllocations() throws {
    var options = BackendOptions()
    options.threads = 1
    let loaded = try TinyModel.blind(on: try Backends().open("cpu", options))
    let sequence = try TokenSequence(loaded, capacity: 200)
    var request = GenerationRequest(.raw("x"))
    request.maxTokens = 150
    let prompt = TokenizedPrompt(parts: [.tokens([1, 5, 6])], inputIDs: [1, 5, 6], text: "")
    var logits = try sequence.prefill(prompt, []).logits
    var loop = AnswerLoop(request, TinyProcessor(), prompt: prompt.inputIDs)
    for _ in 0..<20 { try sequence.decode(loop.next(&logits).id, into: &logits) }
    let allocations = try Self.count {
      for _ in 0..<100 { try sequence.decode(loop.next(&logits).id, into: &logits) }
    }
    #expect(allocations <= 100 * 12, "\(allocations) in 100 tokens")
  }
}

private let isOptimised: Bool = {
  #if DEBUG
    false
  #else
    true
  #endif
}()

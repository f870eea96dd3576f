import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct CancellationTests {
  /// Runs of a request: the picture, the embedding, the prefill, then one for each further token.
  enum Moment: Int, CaseIterable { case imageEncode = 0, embedding = 1, prefill = 2, firstDecode = 3, laterDecode = 6 }

  @Test(arguments: Moment.allCases, [0, 1, 5]) func aRunThatIsInterruptedIsCancelledAndTheNextIsRight(moment: Moment, steps: Int) async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend))
    let conversation = Engine.Conversation()
    let wanted = request("What is it?", [TinyModel.picture(1)])
    let right = try await Engine(TinyModel.seeing()).answer(wanted).result.generatedIDs

    backend.reset(.cancel(run: moment.rawValue, afterSteps: steps))
    await expectError(.cancelled) { _ = try await engine.answer(wanted, in: conversation) }
    #expect(backend.runs.count == moment.rawValue + 1)
    backend.reset()
    #expect(try await engine.answer(wanted, in: conversation).result.generatedIDs == right)
    #expect(try await engine.answer(wanted).result.generatedIDs == right)
  }

  /// Some of the turn before is in the cache when the second is interrupted.
  @Test(arguments: 0...4) func anInterruptedTurnLeavesTheConversationWhole(run: Int) async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend))
    let conversation = Engine.Conversation()
    _ = try await engine.answer(request("One", tokens: 4), in: conversation)
    backend.reset(.cancel(run: run, afterSteps: 4))
    await expectError(.cancelled) { _ = try await engine.answer(request("One more"), in: conversation) }
    backend.reset()
    let right = try await Engine(TinyModel.seeing()).answer(request("One more")).result.generatedIDs
    #expect(try await engine.answer(request("One more"), in: conversation).result.generatedIDs == right)
  }

  @Test func aFlagSetBeforeRunsNothing() async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend))
    let cancel = CancellationFlag()
    cancel.cancel()
    await expectError(.cancelled) { _ = try await engine.answer(request("Hi"), cancel: cancel) }
    #expect(backend.runs.count <= 1)
    #expect(try await engine.answer(request("Hi", tokens: 3)).result.generatedIDs.count == 3)
  }

  @Test func theErrorIsTheUsersChoice() {
    #expect(AviaryError(.cancelled, "").exitCode == 130)
  }

  /// Leaving the loop ends the work: the tokens that were asked for never run.
  @Test func leavingTheIterationEndsTheWork() async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend, context: 4096))
    backend.reset(.awaitCancel(run: 4))
    for try await event in engine.generate(request("Hi", tokens: 4000)) {
      if case .token = event { break }
    }
    // The engine runs one request after another: this one's turn comes when the other has ended.
    #expect(try await engine.answer(request("Hi", tokens: 1)).result.generatedIDs.count == 1)
    // At most five of the first request, the last cancelled before its first step; then embedding and prefill of the second.
    #expect(backend.runs.count <= 7)
  }

  @Test func aCancelledTaskEndsTheWork() async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend, context: 4096))
    backend.reset(.awaitCancel(run: 4))
    let task = Task {
      for try await event in engine.generate(request("Hi", tokens: 4000)) {
        if case .prefilled = event { withUnsafeCurrentTask { $0?.cancel() } }
      }
    }
    try await task.value
    #expect(try await engine.answer(request("Hi", tokens: 1)).result.generatedIDs.count == 1)
    // At most five of the first request, the last cancelled before its first step; then embedding and prefill of the second.
    #expect(backend.runs.count <= 7)
  }

  /// Many cancels leave nothing behind: memory is given back with each.
  @Test func manyCancelsLeaveTheEngineAsItWas() async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend))
    let right = try await engine.answer(request("Hi", tokens: 4)).result.generatedIDs
    // Requests run one by one: while the second runs, the first is gone.
    _ = try await engine.answer(request("Hi", tokens: 4))
    let held = backend.liveBuffers
    for index in 0..<60 {
      backend.reset(.cancel(run: index % 4, afterSteps: index % 3))
      await expectError(.cancelled) { _ = try await engine.answer(request("Hi", tokens: 8)) }
    }
    backend.reset()
    #expect(try await engine.answer(request("Hi", tokens: 4)).result.generatedIDs == right)
    #expect(backend.liveBuffers <= held + 5, "a sequence is five buffers")
  }
}

import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// Several requests in common steps.
struct BatchingTests {
  static func engine(_ loaded: LoadedModel, parallel: Int, context: Int? = nil) throws -> Engine {
    var options = Engine.Options()
    options.parallel = parallel
    options.context = context
    return try Engine(loaded, options)
  }

  /// Prompts of different lengths, with and without pictures, with answers of different lengths.
  static let requests: [GenerationRequest] = [
    request("What is it?", [TinyModel.picture(1)]), request("A longer text about nothing, without a picture", tokens: 30), request("Hi", tokens: 1),
    request("Two", [TinyModel.picture(1), TinyModel.picture(2)], tokens: 17), request("", tokens: 0), request("What is it?", [TinyModel.picture(3)], tokens: 8),
    request("Hi there", tokens: 25),
  ]

  static func answers(_ engine: Engine, _ requests: [GenerationRequest]) async throws -> [Answer] {
    try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
      for (index, request) in requests.enumerated() { group.addTask { (index, try await engine.answer(request)) } }
      var answers = [Answer?](repeating: nil, count: requests.count)
      for try await (index, answer) in group { answers[index] = answer }
      return answers.compactMap { $0 }
    }
  }

  @Test(arguments: [2, 3, 16]) func eachAnswerOfABatchIsTheOneThatItIsAlone(parallel: Int) async throws {
    let alone = try Engine(TinyModel.seeing())
    let batched = try Self.engine(TinyModel.seeing(), parallel: parallel)
    // Twice: the second time all slots hold what earlier requests have left.
    for _ in 0..<2 {
      let answers = try await Self.answers(batched, Self.requests)
      #expect(answers.count == Self.requests.count)
      for (request, answer) in zip(Self.requests, answers) {
        let right = try await alone.answer(request)
        #expect(answer.result.generatedIDs == right.result.generatedIDs)
        #expect(answer.result.text == right.result.text && answer.streamed == right.streamed)
        #expect(answer.result.finishReason == right.result.finishReason && answer.result.promptTokens == right.result.promptTokens)
      }
    }
  }

  /// While one writes, others read: there are fewer runs than all of them take one after another.
  @Test func answersAreWrittenInCommonSteps() async throws {
    let backend = WatchedBackend()
    let batched = try Self.engine(TinyModel.seeing(on: backend), parallel: 4)
    backend.reset(.hold(run: 0))
    let streams = (0..<4).map { batched.generate(request("Number \($0)", tokens: 40)) }
    backend.release()
    for stream in streams { for try await _ in stream {} }
    // Four embeddings; the first prompt in a step of its own, the others beside it; 39 steps for all answers.
    #expect(backend.runs.count <= 4 + 4 + 39, "\(backend.runs.count) runs for 4 answers of 40 tokens")
  }

  /// What prompts share is computed once: whoever comes second takes it from the first, also while that one still writes.
  @Test func sharedBeginningsAndPicturesAreComputedOnce() async throws {
    let batched = try Self.engine(TinyModel.seeing(context: 4096), parallel: 3, context: 1200)
    let picture = TinyModel.picture(5)
    let beginning = String(repeating: "The same beginning. ", count: 40)
    let requests = (0..<3).map { request(beginning + "\($0)", [picture], tokens: 6) }
    let answers = try await Self.answers(batched, requests)
    #expect(answers.filter { $0.cached == [false] }.count == 1, "the picture was looked at once")
    let fresh = answers.map { $0.result.promptTokens - $0.result.reusedTokens }.sorted()
    #expect(fresh[0] < 30 && fresh[1] < 30 && fresh[2] > 800, "\(fresh)")
    for (request, answer) in zip(requests, answers) {
      let right = try await Engine(TinyModel.seeing(context: 4096)).answer(request)
      #expect(answer.result.generatedIDs == right.result.generatedIDs)
    }
  }

  /// A conversation's next turn finds its slot without naming it.
  @Test func theNextTurnReusesWhatIsThere() async throws {
    let batched = try Self.engine(TinyModel.seeing(), parallel: 2)
    let first = try await batched.answer(request("One", tokens: 3))
    let second = try await batched.answer(request("One more", tokens: 3))
    #expect(second.result.reusedTokens >= first.result.promptTokens - 12)
    #expect(try await Engine(TinyModel.seeing()).answer(request("One more", tokens: 3)).result.generatedIDs == second.result.generatedIDs)
  }

  @Test func whatFailsOrIsCancelledEndsAlone() async throws {
    let backend = WatchedBackend()
    let batched = try Self.engine(TinyModel.seeing(on: backend, context: 4096), parallel: 3, context: 200)
    let right = try await Engine(TinyModel.seeing(context: 4096)).answer(request("Hi", tokens: 60)).result.generatedIDs
    async let good = batched.answer(request("Hi", tokens: 60))
    await expectError(.request, "fewer than the context of 200") { _ = try await batched.answer(request(String(repeating: "x", count: 300))) }
    let cancel = CancellationFlag()
    cancel.cancel()
    await expectError(.cancelled) { _ = try await batched.answer(request("Never", tokens: 60), cancel: cancel) }
    #expect(try await good.result.generatedIDs == right)
    // A full context ends an answer by its length.
    let long = try await batched.answer(request("Hi", tokens: 1000)).result
    #expect(long.finishReason == .length && long.promptTokens + long.generatedIDs.count == 201)
  }

  @Test func numbersOfRequestsAreChecked() throws {
    for parallel in [0, -1, 257] { expectError(.config, "\(parallel) requests", "1...256") { _ = try Self.engine(TinyModel.blind(), parallel: parallel) } }
  }
}

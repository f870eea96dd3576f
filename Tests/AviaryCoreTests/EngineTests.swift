import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct EngineTests {
  @Test func theStreamIsTheResult() async throws {
    let engine = try Engine(TinyModel.seeing())
    for seed in 1...8 {
      var request = request("What is this?", [TinyModel.picture(seed)], tokens: 40)
      (request.sampling.temperature, request.sampling.seed) = (1.5, UInt64(seed))
      let answer = try await engine.answer(request)
      #expect(answer.streamed == answer.result.text)
      #expect(answer.result.text == ByteTokenizer().decode(answer.result.generatedIDs, skipSpecial: true))
      #expect(answer.result.generatedIDs.count == 40)
      #expect(answer.result.finishReason == .length)
      #expect(answer.result.promptTokens == answer.result.inputIDs.count)
      #expect(answer.result.cacheBytes > 0 && answer.result.arenaBytes > 0)
      // looked, prefilled, tokens..., finished
      guard case .looked(0, 4, _, false)? = answer.events.first, case .finished? = answer.events.last, case .prefilled? = answer.events.dropFirst().first else {
        Issue.record("the events come in another order")
        return
      }
    }
  }

  @Test func noTokensWantedIsAnAnswer() async throws {
    let answer = try await Engine(TinyModel.seeing()).answer(request("Hi", tokens: 0))
    #expect(answer.result.text == "")
    #expect(answer.result.generatedIDs == [])
    #expect(answer.result.finishReason == .length)
    #expect(answer.result.promptTokens > 0)
  }

  @Test func aStopIdEndsIt() async throws {
    let free = try await Engine(TinyModel.seeing()).answer(request("Hi", tokens: 6)).result
    let last = free.generatedIDs[3]
    let first = try #require(free.generatedIDs.firstIndex(of: last))
    let stopped = try await Engine(TinyModel.seeing(stop: StopRule(ids: [last]))).answer(request("Hi", tokens: 6)).result
    #expect(stopped.generatedIDs == Array(free.generatedIDs[...first]))
    #expect(stopped.finishReason == .stop)
    #expect(stopped.text == ByteTokenizer().decode(Array(free.generatedIDs[..<first]), skipSpecial: true))
  }

  /// Stop strings of the model and of the user, cut anywhere.
  @Test(arguments: [true, false]) func aStopStringEndsIt(isUsers: Bool) async throws {
    var wanted = request("Hi", tokens: 24)
    (wanted.sampling.temperature, wanted.sampling.seed) = (1, 5)
    let free = try await Engine(TinyModel.seeing()).answer(wanted).result
    let scalars = Array(free.text.unicodeScalars)
    let stop = String(String.UnicodeScalarView(scalars[5..<7]))
    if isUsers { wanted.stop = ["never this", stop] }
    let engine = try Engine(TinyModel.seeing(stop: StopRule(strings: isUsers ? [] : [stop])))
    let answer = try await engine.answer(wanted)
    #expect(answer.result.finishReason == .stop)
    #expect(!answer.result.text.contains(stop))
    #expect(free.text.hasPrefix(answer.result.text + stop))
    #expect(answer.streamed == answer.result.text)
    #expect(answer.result.generatedIDs.count < 24)
  }

  @Test func turnsReuseTheCacheAndSayTheSame() async throws {
    let engine = try Engine(TinyModel.seeing())
    let conversation = Engine.Conversation()
    let picture = TinyModel.picture(3)
    var messages = [ChatMessage(.user, [.image(0), .text("What?")])]
    for turn in 0..<3 {
      var request = GenerationRequest(.chat(messages), images: [picture])
      request.maxTokens = 8
      let kept = try await engine.answer(request, in: conversation)
      let fresh = try await Engine(TinyModel.seeing()).answer(request)
      #expect(kept.result.generatedIDs == fresh.result.generatedIDs)
      #expect(kept.result.text == fresh.result.text)
      #expect(fresh.result.reusedTokens == 0)
      #expect(kept.cached == [turn > 0])
      // All of the turns before but what the last one's end changed.
      if turn > 0 { #expect(kept.result.reusedTokens >= 20) } else { #expect(kept.result.reusedTokens == 0) }
      messages += [ChatMessage(.assistant, kept.result.text), ChatMessage(.user, "And \(turn)?")]
    }
  }

  /// The same text behind another picture shares nothing from the picture on.
  @Test func anotherPictureIsNotReused() async throws {
    let engine = try Engine(TinyModel.seeing())
    let conversation = Engine.Conversation()
    _ = try await engine.answer(request("What?", [TinyModel.picture(1)]), in: conversation)
    let second = try await engine.answer(request("What?", [TinyModel.picture(2)]), in: conversation)
    #expect(second.result.reusedTokens == 6)  // <s>USER:
    #expect(second.cached == [false])
    let fresh = try await Engine(TinyModel.seeing()).answer(request("What?", [TinyModel.picture(2)]))
    #expect(second.result.generatedIDs == fresh.result.generatedIDs)
  }

  /// A conversation carried to another model starts anew: rows of one model mean nothing to another.
  @Test func aConversationKeepsToItsModel() async throws {
    let conversation = Engine.Conversation()
    _ = try await Engine(TinyModel.seeing()).answer(request("What?"), in: conversation)
    let moved = try await Engine(TinyModel.seeing()).answer(request("What?"), in: conversation)
    #expect(moved.result.reusedTokens == 0)
  }

  @Test func theSamePictureIsEncodedOnce() async throws {
    let backend = WatchedBackend()
    let engine = try Engine(TinyModel.seeing(on: backend))
    let answer = try await engine.answer(request("Same?", [TinyModel.picture(1), TinyModel.picture(1), TinyModel.picture(2)]))
    #expect(answer.cached == [false, true, false])
    #expect(backend.runs.count { $0.path.hasPrefix("eye") } == 2)
    let again = try await engine.answer(request("Again", [TinyModel.picture(2)]))
    #expect(again.cached == [true])
    #expect(backend.runs.count { $0.path.hasPrefix("eye") } == 2)
  }

  @Test func aCachedPictureIsTheFreshOneBitForBit() async throws {
    let engine = try Engine(TinyModel.seeing())
    let fresh = try await engine.answer(request("What?", [TinyModel.picture(4)]))
    let cached = try await engine.answer(request("What?", [TinyModel.picture(4)]))
    #expect(cached.cached == [true])
    #expect(cached.result.generatedIDs == fresh.result.generatedIDs)
    let (first, second) = (try sequence(), try sequence())
    let prepared = try TinyProcessor().prepare(TinyModel.picture(4).image)
    #expect(try first.perceive(prepared).rows.map(\.bitPattern) == second.perceive(prepared).rows.map(\.bitPattern))
  }

  private func sequence() throws -> TokenSequence { try TokenSequence(TinyModel.seeing(), capacity: 64) }

  @Test func theSameSeedSaysTheSame() async throws {
    let engine = try Engine(TinyModel.seeing())
    var wanted = request("Hi", tokens: 30)
    (wanted.sampling.temperature, wanted.sampling.seed) = (1, 11)
    let (a, b) = (try await engine.answer(wanted), try await engine.answer(wanted))
    #expect(a.result.generatedIDs == b.result.generatedIDs)
    wanted.sampling.seed = 12
    #expect(try await engine.answer(wanted).result.generatedIDs != a.result.generatedIDs)
  }

  @Test func temperatureZeroIsTheLargestLogit() async throws {
    let engine = try Engine(TinyModel.seeing())
    let greedy = try await engine.answer(request("Hi")).result
    var topOne = request("Hi")
    (topOne.sampling.temperature, topOne.sampling.topK, topOne.sampling.seed) = (2, 1, 99)
    #expect(try await engine.answer(topOne).result.generatedIDs == greedy.generatedIDs)
  }

  /// Requests of many tasks on one engine are answered one by one, each as if alone.
  @Test func manyTasksShareAnEngine() async throws {
    let engine = try Engine(TinyModel.seeing())
    let alone = try await Engine(TinyModel.seeing()).answer(request("Hi 3")).result.generatedIDs
    try await withThrowingTaskGroup(of: (Int, [Int32]).self) { group in
      for index in 0..<6 { group.addTask { (index, try await engine.answer(request("Hi \(index)")).result.generatedIDs) } }
      for try await (index, ids) in group where index == 3 { #expect(ids == alone) }
    }
  }
}

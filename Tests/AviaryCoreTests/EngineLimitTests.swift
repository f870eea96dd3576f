import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// What an engine refuses, and with which figures.
struct EngineLimitTests {
  static func engine(context: Int? = nil, trained: Int = 256, limits: Limits = .standard) throws -> Engine {
    var options = Engine.Options()
    options.context = context
    options.limits = limits
    return try Engine(TinyModel.seeing(context: trained), options)
  }

  /// `<s>USER:`, the text, `ASSISTANT:`.
  static func promptTokens(_ text: String, pictures: Int = 0) -> Int { 1 + 5 + 4 * pictures + text.utf8.count + 10 }

  @Test func aPromptLongerThanTheModelsContextIsAnErrorWithTheFigures() async throws {
    let engine = try Self.engine(trained: 32)
    let text = String(repeating: "x", count: 40)
    await expectError(.request, "\(Self.promptTokens(text, pictures: 2)) tokens", "4 of them picture 1", "4 of them picture 2", "context of 32", "the model's own") {
      _ = try await engine.answer(request(text, [TinyModel.picture(1), TinyModel.picture(2)]))
    }
    // The next request is answered as ever.
    #expect(try await engine.answer(request("a", tokens: 2)).result.generatedIDs.count == 2)
  }

  @Test func aPromptLongerThanTheChosenContextIsAnError() async throws {
    let engine = try Self.engine(context: 20)
    await expectError(.request, "the prompt has 20 tokens", "fewer than the context of 20") { _ = try await engine.answer(request("abcd")) }
    #expect(try await engine.answer(request("abc", tokens: 9)).result.promptTokens == 19)
    for context in [0, -7] {
      await expectError(.request, "the prompt has 17 tokens", "context of \(context)") { _ = try await Self.engine(context: context).answer(request("a")) }
    }
  }

  /// A chosen context beyond the model's is the model's.
  @Test func theModelsContextHolds() async throws {
    let engine = try Self.engine(context: 1 << 20, trained: 32)
    await expectError(.request, "context of 32, the model's own") { _ = try await engine.answer(request(String(repeating: "x", count: 30))) }
  }

  @Test(arguments: [(20, nil), (24, nil), (nil, 24)] as [(Int?, Int?)]) func aFullContextEndsWithLength(context: Int?, trained: Int?) async throws {
    let engine = try Self.engine(context: context, trained: trained ?? 256)
    let answer = try await engine.answer(request("a", tokens: 100))
    let room = (context ?? trained ?? 0) - Self.promptTokens("a")
    // The last token needs no place of its own.
    #expect(answer.result.generatedIDs.count == room + 1)
    #expect(answer.result.finishReason == .length)
    let longer = try await Self.engine().answer(request("a", tokens: room + 1))
    #expect(longer.result.generatedIDs == answer.result.generatedIDs)
  }

  @Test func aPictureForABlindModelIsAnError() async throws {
    let engine = try Engine(TinyModel.blind())
    await expectError(.request, "2 pictures for tiny-blind, which has no eyes", "a vision encoder") {
      _ = try await engine.answer(request("What?", [TinyModel.picture(1), TinyModel.picture(2)]))
    }
    #expect(try await engine.answer(request("What?", tokens: 3)).result.generatedIDs.count == 3)
  }

  @Test func picturesAndSlotsMustMatch() async throws {
    let engine = try Self.engine()
    var raw = GenerationRequest(.raw("USER:<image><image>"), images: [TinyModel.picture(1)])
    await expectError(.request, "1 pictures for 2 slots <image>") { _ = try await engine.answer(raw) }
    raw.images = [TinyModel.picture(1), TinyModel.picture(2), TinyModel.picture(3)]
    await expectError(.request, "3 pictures for 2 slots <image>") { _ = try await engine.answer(raw) }
    // What a user types in a conversation is no slot.
    let typed = GenerationRequest(.chat([ChatMessage(.user, "<image>")]), images: [TinyModel.picture(1)])
    await expectError(.request, "1 pictures for 0 slots") { _ = try await engine.answer(typed) }
  }

  @Test func figuresOfTheRequestAreChecked() async throws {
    let engine = try Self.engine()
    await expectError(.request, "max_tokens is -1", "0...1048576") { _ = try await engine.answer(request("a", tokens: -1)) }
    await expectError(.request, "max_tokens is 9223372036854775807") { _ = try await engine.answer(request("a", tokens: .max)) }
    var many = request("a")
    many.stop = (0..<17).map { "\($0)" }
    await expectError(.limit, "17 stop strings", "at most 16") { _ = try await engine.answer(many) }
    let most = Limits.standard.imagesPerRequest
    await expectError(.limit, "\(most + 1) pictures", "at most \(most)") {
      _ = try await engine.answer(request("a", (0...most).map { TinyModel.picture($0) }))
    }
    var hot = request("a")
    hot.sampling.temperature = -1
    await expectError(.request, "temperature is -1.0", "0.0...100.0") { _ = try await engine.answer(hot) }
    var lower = Limits.standard
    (lower.imagesPerRequest, lower.contextTokens) = (1, 5)
    await expectError(.limit, "2 pictures", "at most 1") { _ = try await Self.engine(limits: lower).answer(request("a", [TinyModel.picture(1), TinyModel.picture(2)], tokens: 1)) }
    await expectError(.request, "max_tokens is 6", "0...5") { _ = try await Self.engine(limits: lower).answer(request("a", tokens: 6)) }
  }

  @Test func anEmptyPromptIsAnError() throws {
    let sequence = try TokenSequence(TinyModel.seeing(), capacity: 8)
    expectError(.request, "the prompt is empty", "at least one token") {
      _ = try sequence.prefill(TokenizedPrompt(parts: [], inputIDs: [], text: ""), [])
    }
  }

  @Test(arguments: [Int32(260), -1, .max, .min]) func idsOutsideOfTheVocabularyAreErrors(id: Int32) throws {
    let sequence = try TokenSequence(TinyModel.seeing(), capacity: 8)
    expectError(.request, "token id \(id)", "0..<260") {
      _ = try sequence.prefill(TokenizedPrompt(parts: [.tokens([1, id])], inputIDs: [1, id], text: ""), [])
    }
    #expect(try sequence.prefill(TokenizedPrompt(parts: [.tokens([1])], inputIDs: [1], text: ""), []).logits.count == 260)
  }

  @Test func decodingInAFullCacheIsAnError() throws {
    let sequence = try TokenSequence(TinyModel.seeing(), capacity: 2)
    _ = try sequence.prefill(TokenizedPrompt(parts: [.tokens([1])], inputIDs: [1], text: ""), [])
    var logits: [Float] = []
    try sequence.decode(5, into: &logits)
    expectError(.request, "context of 2 tokens is full") { try sequence.decode(5, into: &logits) }
    expectError(.request, "the prompt has 2 tokens", "fewer than the context of 2") {
      _ = try sequence.prefill(TokenizedPrompt(parts: [.tokens([1, 2])], inputIDs: [1, 2], text: ""), [])
    }
  }

  /// Memory that ends at any moment is an error each time, never more.
  @Test func memoryThatEndsIsAnError() async throws {
    var failures = 0
    for allocations in 0..<200 {
      do {
        let engine = try Engine(TinyModel.seeing(on: ScarceBackend(allocations: allocations)))
        _ = try await engine.answer(request("a", [TinyModel.picture(1)], tokens: 2))
        break
      } catch let error as AviaryError {
        #expect(error.kind == .memory)
        failures += 1
      }
    }
    #expect((20..<200).contains(failures))
  }
}

@testable import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// Tokens that are guessed from what stands in the prompt.
struct PromptLookupTests {
  @Test func theLastOccurrenceOfTheLongestRunIsContinued() {
    let lookup = PromptLookup(most: 3)
    #expect(Array(lookup.guess([1, 2, 3, 9, 1, 2, 3])) == [9, 1, 2])
    #expect(Array(lookup.guess([1, 2, 7, 5, 1, 2, 8, 6, 1, 2])) == [8, 6, 1])
    #expect(Array(lookup.guess([4, 1, 2, 7, 3, 1, 2, 8, 4, 1, 2])) == [7, 3, 1])
    #expect(Array(lookup.guess([5, 5, 5])) == [5])
    for nothing in [[], [1], [1, 2], [1, 2, 3, 4, 5, 6]] as [[Int32]] { #expect(lookup.guess(nothing).isEmpty) }
    #expect(PromptLookup(most: 0).guess([1, 2, 1, 2, 1, 2]).isEmpty)
  }

  /// Greedy answers of a model of random numbers soon go in circles, which is what look-up finds.
  @Test(arguments: [0.0, 0.8]) func theAnswerIsTheOneWithoutGuesses(temperature: Double) async throws {
    for (text, tokens) in [("abcabcabcabcabcabc", 60), ("Hi", 45), ("no no no no", 1), ("x", 200)] {
      var wanted = request(text, [TinyModel.picture(1)], tokens: tokens)
      wanted.sampling.temperature = temperature
      let plain = try await Engine(TinyModel.seeing(context: 128)).answer(wanted).result
      wanted.lookup = 5
      let backend = WatchedBackend()
      let guessed = try await Engine(TinyModel.seeing(on: backend, context: 128)).answer(wanted)
      #expect(guessed.result.generatedIDs == plain.generatedIDs && guessed.result.text == plain.text && guessed.streamed == plain.text)
      #expect(guessed.result.finishReason == plain.finishReason && guessed.result.acceptedTokens <= guessed.result.guessedTokens)
      // Picture, embedding and prefill; then a run for each token but the last and but those that were guessed.
      #expect(backend.runs.count <= 3 + max(plain.generatedIDs.count - 1, 0) - guessed.result.acceptedTokens + 1)
      if temperature == 0, tokens == 60 { #expect(guessed.result.acceptedTokens > 10) }
    }
  }

  /// What was guessed wrongly is forgotten: the next turn builds on the answer alone.
  @Test func theNextTurnIsRight() async throws {
    let (engine, conversation) = (try Engine(TinyModel.blind()), Engine.Conversation())
    var first = request("ababababab", tokens: 30)
    first.lookup = 4
    _ = try await engine.answer(first, in: conversation)
    let next = request("abababababab", tokens: 12)
    #expect(try await engine.answer(next, in: conversation).result.generatedIDs == Engine(TinyModel.blind()).answer(next).result.generatedIDs)
  }
}

import AviaryCore
import AviaryTensor
import CoreTestSupport

/// What came of a request: its events and its result.
struct Answer {
  var events: [GenerationEvent] = []
  var result = GenerationResult()

  /// The streamed text.
  var streamed: String {
    events.reduce(into: "") { if case .token(_, let text) = $1 { $0 += text } }
  }
  /// Whether each picture came from the cache.
  var cached: [Bool] {
    events.compactMap { if case .looked(_, _, _, let cached) = $0 { cached } else { nil } }
  }
}

extension Engine {
  func answer(_ request: GenerationRequest, in conversation: Conversation = Conversation(), cancel: CancellationFlag = CancellationFlag()) async throws -> Answer {
    var answer = Answer()
    for try await event in generate(request, in: conversation, cancel: cancel) {
      answer.events.append(event)
      if case .finished(let result) = event { answer.result = result }
    }
    return answer
  }
}

/// A request with some pictures in front of the text.
func request(_ text: String, _ pictures: [ImageInput] = [], tokens: Int = 12) -> GenerationRequest {
  var request = GenerationRequest(.chat([ChatMessage(.user, pictures.indices.map { .image($0) } + [.text(text)])]), images: pictures)
  request.maxTokens = tokens
  return request
}

import AviaryCore
import AviaryTensor

/// Shows answers as they come.
enum Answer {
  /// Follows the events of one answer; text goes to stdout, progress to stderr.
  ///
  /// - Throws: `.cancelled` where the user pressed Ctrl-C.
  static func stream(_ events: AsyncThrowingStream<GenerationEvent, any Error>, showing: Bool, _ interrupt: Interrupt) async throws -> GenerationResult {
    let task = Task {
      var last = GenerationResult()
      Console.progress("looking")
      for try await event in events {
        switch event {
        case .looked(let index, let tokens, let seconds, let cached):
          Console.progress("picture \(index + 1): \(tokens) tokens, \(rounded(seconds)) s\(cached ? ", seen before" : "")")
        case .prefilled(let tokens, _, let seconds):
          Console.progress("read \(tokens) tokens, \(rounded(seconds)) s")
        case .token(_, let text):
          if showing, !text.isEmpty {
            Console.clearProgress()
            Console.print(text, terminator: "")
          }
        case .finished(let result): last = result
        }
      }
      Console.clearProgress()
      // A stream that was cancelled just ends.
      if Task.isCancelled { throw AviaryError(.cancelled, "stopped") }
      return last
    }
    interrupt.onInterrupt { task.cancel() }
    defer { interrupt.onInterrupt(nil) }
    return try await task.value
  }

  static func rounded(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100)" }

  /// "load 0.12 s, look 0.30 s (576 tokens), speak ..."
  static func timings(_ r: GenerationResult, load: Double) -> String {
    let rate = r.decodeSeconds > 0 ? Double(max(r.generatedIDs.count - 1, 0)) / r.decodeSeconds : 0
    let reused = r.reusedTokens > 0 ? ", \(r.reusedTokens) of them kept from before" : ""
    return "load \(rounded(load)) s | look \(rounded(r.lookSeconds)) s | speak \(rounded(r.prefillSeconds + r.decodeSeconds)) s: "
      + "read \(r.promptTokens) tokens in \(rounded(r.prefillSeconds)) s\(reused), wrote \(r.generatedIDs.count) in \(rounded(r.decodeSeconds)) s (\(rounded(rate)) tokens/s)"
  }

  /// The object that `--json` prints.
  ///
  /// - Parameter name: what the model was called, where its own name would not tell it from others.
  static func json(_ r: GenerationResult, _ session: ModelSession, as name: String? = nil) -> JSONValue {
    return object([
      ("text", .string(r.text)), ("prompt", .string(r.prompt)), ("input_ids", .array(r.inputIDs.map { .int(Int($0)) })),
      ("generated_ids", .array(r.generatedIDs.map { .int(Int($0)) })), ("finish_reason", .string(r.finishReason.rawValue)),
      ("regions", .array(r.places.regions.map(json))), ("region_errors", .array(r.places.problems.map { .string("\($0)") })),
      (
        "timings",
        object([
          ("load_seconds", .double(session.loadSeconds)), ("look_seconds", .double(r.lookSeconds)),
          ("prefill_seconds", .double(r.prefillSeconds)), ("decode_seconds", .double(r.decodeSeconds)),
        ])
      ),
      (
        "usage",
        object([
          ("prompt_tokens", .int(r.promptTokens)), ("completion_tokens", .int(r.generatedIDs.count)),
          ("total_tokens", .int(r.promptTokens + r.generatedIDs.count)), ("cached_tokens", .int(r.reusedTokens)),
          ("arena_bytes", .int(r.arenaBytes)), ("kv_cache_bytes", .int(r.cacheBytes)),
        ])
      ),
      ("model", .string(name ?? session.engine.loaded.name)), ("backend", .string(type(of: session.engine.loaded.backend).id)),
    ])
  }

  /// A place in a picture: corners in pixels of the picture as it was given.
  private static func json(_ region: Region) -> JSONValue {
    object([
      ("label", .string(region.label)), ("kind", .string(region.isBox ? "box" : "quad")), ("image", .int(region.image)),
      ("points", .array(region.points.map { .array([.int($0.x), .int($0.y)]) })),
    ])
  }

  private static func object(_ members: [(String, JSONValue)]) -> JSONValue { .object(JSONObject(members)) }
}

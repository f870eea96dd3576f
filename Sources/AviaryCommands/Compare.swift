import ArgumentParser
import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor

/// Puts one question to several models.
struct Compare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Ask several models the same, and show answers and timings side by side.",
    discussion: "The models are loaded one after another, each alone. One that fails is shown with its error, and the exit code is then 2.")

  @Argument(help: "Two models or more, then the prompt.")
  var words: [String]
  @Option(help: ArgumentHelp("A picture: a file or a data: URL; may be given several times.", valueName: "file"))
  var image: [String] = []
  @Flag(help: "Print one JSON array instead of a table.")
  var json = false
  @OptionGroup var backend: BackendArguments
  @OptionGroup var generation: GenerationArguments

  func run() async throws {
    var settings = try backend.settings()
    try generation.apply(to: &settings)
    guard words.count > 2 else {
      throw AviaryError(.request, "\(words.count) words (\(words.joined(separator: " | ")))", wanted: "MODEL MODEL... \"PROMPT\"")
    }
    let text = try PromptText.read(words.last ?? "")
    let interrupt = Interrupt()
    var objects: [JSONValue] = []
    var rows = [["model", "load", "look", "read", "wrote", "tokens/s", "answer"]]
    var failed: AviaryError?
    for model in words.dropLast() {
      do throws(AviaryError) {
        let session = try ModelSession(model, settings)
        let result = try await ask(session, text, interrupt)
        objects.append(Answer.json(result, session, as: model))
        rows.append(row(model, session, result))
      } catch {
        // Caught here and thrown again: a catch with a condition makes Swift 6.3 stop on itself in debug builds.
        guard error.kind != .cancelled else { throw error }
        failed = failed ?? error
        var object = JSONObject()
        object.append("model", .string(model))
        object.append("error", .string("\(error)"))
        objects.append(.object(object))
        rows.append([model, "", "", "", "", "", "error: \(error)".escapedLine])
      }
    }
    Console.print(json ? JSONWriter.text(.array(objects)) : Table.text(rows))
    if let failed { throw ExitCode(failed.exitCode) }
  }

  private func ask(_ session: ModelSession, _ text: String, _ interrupt: Interrupt) async throws(AviaryError) -> GenerationResult {
    let images = try session.images(image)
    let request = GenerationRequest(.chat([ChatMessage(.user, images.indices.map { .image($0) } + [.text(text)])]), images: images, session.settings)
    do { return try await Answer.stream(session.engine.generate(request), showing: false, interrupt) } catch {
      throw error as? AviaryError ?? AviaryError(.internal, "\(error)")
    }
  }

  private func row(_ model: String, _ session: ModelSession, _ result: GenerationResult) -> [String] {
    let rate = result.decodeSeconds > 0 ? Double(max(result.generatedIDs.count - 1, 0)) / result.decodeSeconds : 0
    return [
      model, "\(Answer.rounded(session.loadSeconds)) s", "\(Answer.rounded(result.lookSeconds)) s", "\(result.promptTokens) in \(Answer.rounded(result.prefillSeconds)) s",
      "\(result.generatedIDs.count)", "\(Answer.rounded(rate))", result.text.escapedLine,
    ]
  }
}

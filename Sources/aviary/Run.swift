import ArgumentParser
import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import Foundation

/// Answers one prompt, about pictures where there are some.
struct Run: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Answer a prompt, about one or several pictures.",
    discussion: """
      The answer alone goes to stdout, as it is generated; progress and the timings of load, look and speak go to stderr. \
      A prompt of - is read from stdin.
      """)

  @Argument(help: "The model and the prompt; the model may stand in a configuration file instead.")
  var words: [String]
  @Option(help: ArgumentHelp("A picture: a file or a data: URL; may be given several times.", valueName: "file"))
  var image: [String] = []
  @Flag(help: "Print one JSON object instead of the answer.")
  var json = false
  @Flag(help: "Feed the prompt as it is, without a chat template.")
  var raw = false
  @OptionGroup var backend: BackendArguments
  @OptionGroup var generation: GenerationArguments

  func run() async throws {
    var settings = try backend.settings()
    try generation.apply(to: &settings)
    guard words.count <= 2, words.count == 2 || settings.model != nil else {
      throw AviaryError(
        .request, "\(words.count) words (\(words.joined(separator: " | ")))", wanted: "MODEL \"PROMPT\", or only the prompt where a configuration names the model")
    }
    let text = try PromptText.read(words.last ?? "")
    let session = try ModelSession(words.count == 2 ? words[0] : nil, settings)
    let images = try session.images(image)
    let prompt: GenerationRequest.Prompt =
      raw ? .raw(text) : .chat([ChatMessage(.user, images.indices.map { .image($0) } + [.text(text)])])
    let request = GenerationRequest(prompt, images: images, settings)

    let interrupt = Interrupt()
    let result = try await Answer.stream(session.engine.generate(request), showing: !json, interrupt)
    if json {
      Console.print(JSONWriter.text(Answer.json(result, session)))
    } else {
      Console.print("")
      Console.error(Answer.timings(result, load: session.loadSeconds))
    }
  }
}

/// A prompt given as a word, or `-` for stdin.
enum PromptText {
  static func read(_ word: String) throws(AviaryError) -> String {
    guard word == "-" else { return word }
    let limit = Limits.standard.textBytes
    let data = FileHandle.standardInput.readData(ofLength: limit + 1)
    guard data.count <= limit else { throw AviaryError(.limit, "more than \(limit) bytes on stdin", wanted: "at most that many") }
    guard let text = String(validating: data, as: UTF8.self) else { throw AviaryError(.format, "stdin is no UTF-8 text") }
    return text
  }
}

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
  @Option(help: ArgumentHelp("A box in the last picture, in pixels: x1,y1,x2,y2 and a label behind a blank; N: in front for picture N.", valueName: "box"))
  var box: [String] = []
  @Option(help: ArgumentHelp("Write the last picture with the answer's places drawn on it.", valueName: "png"))
  var draw: String?
  @OptionGroup var demonstrations: DemonstrationArguments
  @Flag(help: "Print one JSON object instead of the answer.")
  var json = false
  @Flag(help: "Feed the prompt as it is, without a chat template.")
  var raw = false
  @Option(help: ArgumentHelp("A LoRA adapter's folder, perhaps with a factor; may be given several times.", valueName: "dir[=scale]"))
  var adapter: [String] = []
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
    if let draw { try FileWriter.check(draw) }
    let session = try ModelSession(words.count == 2 ? words[0] : nil, settings, adapters: adapter)
    let loaded = session.engine.loaded
    if draw != nil { try Places.check(pictures: image.count, loaded) }
    let pictures = try session.images(image)
    let shown = try demonstrations.load(for: session)
    guard !raw || shown.isEmpty && box.isEmpty else {
      throw AviaryError(.request, "--raw with --shot, --shots or --box", wanted: "demonstrations and boxes written in the raw prompt, or no --raw")
    }
    var request = GenerationRequest(.raw(text), images: shown.images + pictures, settings)
    if !raw, let processor = loaded.processor {
      let asked = try loaded.written(box, in: pictures) + text
      let parts = pictures.indices.map { ChatMessage.Part.image(shown.images.count + $0) } + [.text(asked)]
      request.prompt = .chat(shown.messages(before: text, processor, request.options) + [ChatMessage(.user, parts)])
    }

    let interrupt = Interrupt()
    let result = try await Answer.stream(session.engine.generate(request), showing: !json, interrupt)
    if !json { Console.print("") }
    if let draw { try Places.draw(result.places, on: request.images, to: draw, quietly: json) }
    if json {
      Console.print(JSONWriter.text(Answer.json(result, session)))
    } else {
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

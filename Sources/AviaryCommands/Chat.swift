import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor
import Foundation

/// A conversation of several turns.
struct Chat: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talk with a model about pictures, turn by turn.",
    discussion: "/image FILE adds a picture to the next turn, /clear forgets the conversation, /quit ends it. Ctrl-C stops an answer; Ctrl-D ends.")

  @Argument(help: "A model; it may stand in a configuration file instead.")
  var model: String?
  @Option(help: ArgumentHelp("A picture of the first turn.", valueName: "file"))
  var image: [String] = []
  @Option(help: ArgumentHelp("A LoRA adapter's folder, perhaps with a factor; may be given several times.", valueName: "dir[=scale]"))
  var adapter: [String] = []
  @OptionGroup var demonstrations: DemonstrationArguments
  @OptionGroup var backend: BackendArguments
  @OptionGroup var generation: GenerationArguments

  func run() async throws {
    var settings = try backend.settings()
    try generation.apply(to: &settings)
    let session = try ModelSession(model, settings, adapters: adapter)
    let interrupt = Interrupt()
    var talk = Conversation(session, try demonstrations.load(for: session))
    try talk.add(image)
    Console.error("\(session.engine.loaded.name) on \(settings.backend), loaded in \(Answer.rounded(session.loadSeconds)) s. /image FILE, /clear, /quit")
    while true {
      Console.error("> ", terminator: "")
      guard let line = readLine() else { break }
      if line == "/quit" || line == "/exit" { break }
      do {
        try await talk.take(line, interrupt)
      } catch let error as AviaryError {
        // A mistake in one turn does not end the conversation.
        Console.error("error: \(error)")
      }
    }
    Console.error("")
  }
}

/// What has been said, and the cache that goes with it.
private struct Conversation {
  let session: ModelSession
  /// Shown in front of the first turn, and again after /clear.
  let shown: Demonstrations
  var messages: [ChatMessage] = []
  var images: [ImageInput] = []
  var waiting = 0
  var memory = Engine.Conversation()

  init(_ session: ModelSession, _ shown: Demonstrations) {
    (self.session, self.shown, images) = (session, shown, shown.images)
  }

  mutating func add(_ paths: [String]) throws(AviaryError) {
    let added = try session.images(paths)
    images += added
    waiting += added.count
  }

  mutating func take(_ line: String, _ interrupt: Interrupt) async throws {
    if line == "/clear" {
      self = Conversation(session, shown)
      return
    }
    if line.hasPrefix("/image ") {
      try add([line.dropFirst(7).trimmingCharacters(in: .whitespaces)])
      Console.error("picture \(images.count - shown.images.count) goes with the next turn")
      return
    }
    if line.hasPrefix("/") { throw AviaryError(.request, "unknown command \(line)", wanted: "/image FILE, /clear or /quit") }
    if line.isEmpty { return }
    let parts: [ChatMessage.Part] = (images.count - waiting..<images.count).map { .image($0) } + [.text(line)]
    var request = GenerationRequest(.raw(line), images: images, session.settings)
    var before = messages
    if before.isEmpty, let processor = session.engine.loaded.processor { before = shown.messages(before: line, processor, request.options) }
    let turn = before + [ChatMessage(.user, parts)]
    request.prompt = .chat(turn)
    do {
      let result = try await Answer.stream(session.engine.generate(request, in: memory), showing: true, interrupt)
      Console.print("")
      Console.error(Answer.timings(result, load: session.loadSeconds))
      messages = turn + [ChatMessage(.assistant, session.engine.loaded.processor?.clean(result.text) ?? result.text)]
      waiting = 0
    } catch let error as AviaryError where error.kind == .cancelled {
      Console.print("")
      Console.error("stopped")
    }
  }
}

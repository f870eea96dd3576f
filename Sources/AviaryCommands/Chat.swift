import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor
import Foundation

/// A conversation of several turns.
struct Chat: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Talk with a model about pictures, turn by turn.",
    discussion: """
      /image FILE adds a picture to the next turn; /box x1,y1,x2,y2 LABEL asks about a place in the last picture (N: in front for picture N), \
      /draw FILE.png writes the last picture with the places of the last answer; /clear forgets the conversation, /quit ends it. \
      Ctrl-C stops an answer; Ctrl-D ends.
      """)

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
    Console.error("\(session.engine.loaded.name) on \(settings.backend), loaded in \(Answer.rounded(session.loadSeconds)) s. \(Conversation.commands)")
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
  static let commands = "/image FILE, /box X1,Y1,X2,Y2 LABEL, /draw FILE.png, /clear or /quit"

  let session: ModelSession
  /// Shown in front of the first turn, and again after /clear.
  let shown: Demonstrations
  var messages: [ChatMessage] = []
  var images: [ImageInput] = []
  var waiting = 0
  /// Boxes of the next question, in the family's form.
  var boxes = ""
  /// What the last answer pointed at.
  var places: RegionReading?
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
    if line.hasPrefix("/") { return try obey(line) }
    if line.isEmpty { return }
    let parts: [ChatMessage.Part] = (images.count - waiting..<images.count).map { .image($0) } + [.text(boxes + line)]
    var request = GenerationRequest(.raw(line), images: images, session.settings)
    var before = messages
    if before.isEmpty, let processor = session.engine.loaded.processor { before = shown.messages(before: line, processor, request.options) }
    let turn = before + [ChatMessage(.user, parts)]
    request.prompt = .chat(turn)
    do {
      let result = try await Answer.stream(session.engine.generate(request, in: memory), showing: true, interrupt)
      Console.print("")
      for region in result.places.regions { Console.error("place: \(Places.line(region))") }
      Console.error(Answer.timings(result, load: session.loadSeconds))
      messages = turn + [ChatMessage(.assistant, session.engine.loaded.processor?.clean(result.text) ?? result.text)]
      (waiting, boxes, places) = (0, "", result.places)
    } catch let error as AviaryError where error.kind == .cancelled {
      Console.print("")
      Console.error("stopped")
    }
  }

  /// A line that is a command.
  private mutating func obey(_ line: String) throws(AviaryError) {
    let words = line.split(separator: " ", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
    switch (words[0], words.count == 2 ? words[1] : "") {
    case ("/clear", ""): self = Conversation(session, shown)
    case ("/image", let path) where !path.isEmpty:
      try add([path])
      Console.error("picture \(pictures.count) goes with the next turn")
    case ("/box", let box) where !box.isEmpty:
      let written = try session.engine.loaded.written([box], in: pictures)
      boxes += written
      Console.error("in front of the next question: \(written)")
    case ("/draw", let path) where !path.isEmpty:
      // An answer points into the last picture that it saw.
      let seen = images.dropLast(waiting)
      try Places.check(pictures: seen.count, session.engine.loaded)
      guard let places else { throw AviaryError(.request, "no answer with places yet", wanted: "a question first") }
      try Places.draw(places, on: Array(seen), to: path)
    default: throw AviaryError(.request, "unknown command \(line)", wanted: Self.commands)
    }
  }

  /// The user's own, in the order in which they came.
  private var pictures: [ImageInput] { Array(images.dropFirst(shown.images.count)) }
}

public import AviaryCore
public import AviaryTensor

/// One line of a data set: a conversation and where its pictures are.
public struct Conversation: Sendable, Hashable {
  public var messages: [ChatMessage]
  /// Paths as the data set has them, in the order of the conversation's pictures.
  public var images: [String]
  public init(_ messages: [ChatMessage], images: [String] = []) {
    self.messages = messages
    self.images = images
  }

  /// Reads a line in whichever of the common forms it has:
  ///
  /// - LLaVA's: `conversations` of `from` (human, gpt) and `value`, `image` a path or several;
  /// - LLaMA-Factory's sharegpt form: the same, or `messages` of `role` and `content`, with `images`, perhaps `system`;
  /// - ms-swift's: `messages` with `images` (paths, or objects with one) and `objects` (`ref` and `bbox`);
  /// - easy-VQA's: `[question, answer, picture]`;
  /// - plain: `messages` whose content is text or a list of parts, as a request has it.
  ///
  /// `<image>` stands for a picture in all texts; where none is written, the pictures come first.
  ///
  /// - Parameter needsAnswer: the assistant must say something.
  /// - Throws: `.format` with what is wrong.
  public init(_ json: JSONValue, needsAnswer: Bool = true, at place: String) throws(AviaryError) {
    if let easy = Self.easyVQA(json) {
      self = easy
      return
    }
    let line = try ConfigReader(json, place: place)
    let isPairs = line.has("conversations")
    guard let turns = try line.array(isPairs ? "conversations" : "messages", maxCount: 1 << 16), !turns.isEmpty else {
      throw AviaryError(.format, "neither conversations nor messages", wanted: "a conversation", at: place)
    }
    images = try Self.images(line)
    messages = []
    var reader = TurnReader(objects: try Objects(line))
    if let system = try line.optionalString("system"), !system.isEmpty { messages.append(ChatMessage(.system, system)) }
    for (index, turn) in turns.enumerated() {
      let item = try ConfigReader(turn, place: "\(place): \(isPairs ? "conversations" : "messages")[\(index)]")
      let role: ChatMessage.Role = try item.choice(isPairs && item.has("from") ? "from" : "role", of: Self.roles)
      messages.append(ChatMessage(role, try reader.parts(item, isPairs && item.has("value") ? "value" : "content")))
    }
    images += reader.paths
    try placeImages(written: reader.count, at: place)
    guard !needsAnswer || messages.contains(where: { $0.role == .assistant && !$0.text.isEmpty }) else {
      throw AviaryError(.format, "no answer of the assistant", wanted: "something to learn", at: place)
    }
  }

  /// Adds another conversation about the same pictures, which are not shown again.
  public mutating func goOn(with next: Conversation) {
    messages += next.messages.filter { $0.role != .system }.map { message in
      ChatMessage(message.role, message.parts.filter { if case .image = $0 { false } else { true } })
    }
  }

  /// A line of easy-VQA's `questions.json`: question, answer and the picture's number.
  private static func easyVQA(_ json: JSONValue) -> Conversation? {
    guard let items = json.array, items.count == 3, let question = items[0].string, let answer = items[1].string, let image = items[2].int else { return nil }
    return Conversation([ChatMessage(.user, [.image(0), .text(question)]), ChatMessage(.assistant, answer)], images: ["images/\(image).png"])
  }

  private static let roles: [(String, ChatMessage.Role)] = [
    ("human", .user), ("user", .user), ("gpt", .assistant), ("assistant", .assistant), ("bot", .assistant), ("system", .system),
  ]

  private static func images(_ line: ConfigReader) throws(AviaryError) -> [String] {
    for key in ["images", "image"] {
      guard let items = try line.array(key, orOne: true, maxCount: 1 << 12) else { continue }
      var paths: [String] = []
      for item in items {
        guard let path = item.string ?? item["path"]?.string, !path.isEmpty else {
          throw AviaryError(.format, item.kindDescription, wanted: "a picture's path", at: "\(line.place): \(key)")
        }
        paths.append(path)
      }
      return paths
    }
    return []
  }

  /// Pictures that no text mentions come in front of the first question.
  private mutating func placeImages(written: Int, at place: String) throws(AviaryError) {
    if written == images.count { return }
    guard written == 0, let first = messages.firstIndex(where: { $0.role == .user }) else {
      throw AviaryError(.format, "\(written) places for pictures", wanted: "\(images.count), a place for each picture", at: place)
    }
    messages[first].parts = images.indices.map { .image($0) } + messages[first].parts
  }
}

/// Reads a turn's content and numbers the pictures in it.
private struct TurnReader {
  var objects: Objects
  /// Pictures seen so far.
  private(set) var count = 0
  /// Pictures that stand as parts.
  private(set) var paths: [String] = []

  init(objects: Objects) { self.objects = objects }

  mutating func parts(_ turn: ConfigReader, _ key: String) throws(AviaryError) -> [ChatMessage.Part] {
    guard let items = turn.value(key)?.array else { return split(try objects.filled(try turn.string(key), at: turn.place)) }
    var parts: [ChatMessage.Part] = []
    for item in items {
      let part = try ConfigReader(item, place: "\(turn.place).\(key)")
      let type = try part.string("type")
      switch type {
      case "text": parts += split(try objects.filled(try part.string("text"), at: part.place))
      case "image":
        parts.append(.image(count))
        count += 1
        let key = part.has("path") ? "path" : "image"
        if let path = try part.optionalString(key) { paths.append(path) }
      default: throw AviaryError(.format, "a part of type \(type)", wanted: "text or image", at: part.place)
      }
    }
    return parts
  }

  private mutating func split(_ text: String) -> [ChatMessage.Part] {
    var parts: [ChatMessage.Part] = []
    for (index, piece) in text.pieces(between: "<image>").enumerated() {
      if index > 0 {
        parts.append(.image(count))
        count += 1
      }
      // LLaVA writes a line end between marker and text, which its prompt forms add themselves.
      let text = index > 0 && piece.hasPrefix("\n") ? String(piece.dropFirst()) : piece
      if !text.isEmpty { parts.append(.text(text)) }
    }
    return parts
  }
}

/// ms-swift's `objects`: names and boxes that stand for `<ref-object>` and `<bbox>` in the texts.
private struct Objects {
  private var names: [String] = []
  private var boxes: [String] = []

  init(_ line: ConfigReader) throws(AviaryError) {
    guard let objects = try line.object("objects") else { return }
    names = try objects.strings("ref")
    for box in try objects.array("bbox", maxCount: 1 << 16) ?? [] {
      guard let numbers = box.array?.compactMap(\.double), numbers.count == 4, box.array?.count == 4, numbers.allSatisfy(\.isFinite) else {
        throw AviaryError(.format, box.kindDescription, wanted: "a box of four numbers", at: "\(line.place): objects.bbox")
      }
      let n = numbers.map { Int(max(-1e9, min(1e9, $0.rounded()))) }
      boxes.append("(\(n[0]),\(n[1])),(\(n[2]),\(n[3]))")
    }
  }

  mutating func filled(_ text: String, at place: String) throws(AviaryError) -> String {
    try fill(try fill(text, "<ref-object>", &names, ("<ref>", "</ref>"), place), "<bbox>", &boxes, ("<box>", "</box>"), place)
  }

  private func fill(_ text: String, _ marker: String, _ values: inout [String], _ frame: (String, String), _ place: String) throws(AviaryError) -> String {
    let pieces = text.pieces(between: marker)
    guard pieces.count > 1 else { return text }
    guard values.count >= pieces.count - 1 else {
      throw AviaryError(.format, "more \(marker) than objects", wanted: "an object for each", at: place)
    }
    var filled = pieces[0]
    for piece in pieces.dropFirst() { filled += frame.0 + values.removeFirst() + frame.1 + piece }
    return filled
  }
}

extension String {
  /// The parts between occurrences of a marker.
  func pieces(between marker: String) -> [String] {
    var pieces: [String] = []
    var rest = self[...]
    while let range = rest.firstRange(of: marker) {
      pieces.append(String(rest[..<range.lowerBound]))
      rest = rest[range.upperBound...]
    }
    return pieces + [String(rest)]
  }
}

public import AviaryCore
public import AviaryTensor

/// How a conversation is written where a model brings no chat template: system text, what stands around each turn,
/// and where to stop. A style is data; a family adds its own as a value.
///
/// What the style writes is trusted, what the messages say is not. So a stop string or separator that a user types
/// is text to the tokenizer.
public struct PromptStyle: Sendable, Hashable {
  /// What stands before and after a text.
  public struct Frame: Sendable, Hashable {
    public var before: String
    public var after: String
    public init(before: String, after: String) {
      self.before = before
      self.after = after
    }
  }

  /// Where the system text stands.
  public enum SystemPlace: Sendable, Hashable {
    /// In front of all turns.
    case ahead
    /// In the first user turn, behind what opens it, as LLaMA 2 has it.
    case insideFirstUserTurn
  }

  /// What stands for a picture inside a user's turn.
  public struct ImageMarker: Sendable, Hashable {
    /// The marker itself, with a line end where the style has one.
    public var text: String
    /// What stands between a picture and a text behind it.
    public var beforeText: String
    /// What stands between a picture and another directly behind it.
    public var beforeImage: String
    public init(_ text: String, beforeText: String = "", beforeImage: String = "") {
      self.text = text
      self.beforeText = beforeText
      self.beforeImage = beforeImage
    }
  }

  public var name: String
  /// The system text of a conversation that has none of its own; empty for none.
  public var system: String
  /// What stands around a system text; left out with it.
  public var systemFrame: Frame
  public var systemPlace: SystemPlace
  public var user: Frame
  public var assistant: Frame
  /// What opens the first user turn, where that differs from the others.
  public var firstUserBefore: String?
  /// What the prompt ends with, so that the assistant speaks.
  public var generationPrompt: String
  public var image: ImageMarker
  /// Whether the white space around each message is dropped.
  public var stripsMessages: Bool
  /// Texts at which an answer ends, besides the end token.
  public var stop: [String]

  public init(
    name: String, system: String, systemFrame: Frame, systemPlace: SystemPlace = .ahead, user: Frame,
    assistant: Frame, firstUserBefore: String? = nil, generationPrompt: String, image: ImageMarker,
    stripsMessages: Bool = false, stop: [String]
  ) {
    self.name = name
    self.system = system
    self.systemFrame = systemFrame
    self.systemPlace = systemPlace
    self.user = user
    self.assistant = assistant
    self.firstUserBefore = firstUserBefore
    self.generationPrompt = generationPrompt
    self.image = image
    self.stripsMessages = stripsMessages
    self.stop = stop
  }

  /// The prompt for a conversation. A system message replaces the style's own system text.
  ///
  /// - Throws: `.request` where a system message is not the first, or a message other than a user's has a picture.
  public func render(_ messages: [ChatMessage], addGenerationPrompt: Bool = true) throws(AviaryError) -> MarkedText {
    var turns = messages[...]
    var system = MarkedText(trusted: self.system)
    if let first = turns.first, first.role == .system {
      system = try content(of: first)
      turns = turns.dropFirst()
    }
    var prompt = MarkedText()
    if systemPlace == .ahead { prompt.append(framed(system)) }
    var isFirstUser = true
    for message in turns {
      let frame: Frame
      switch message.role {
      case .system: throw AviaryError(.request, "a system message stands inside the conversation", wanted: "it first")
      case .assistant: frame = assistant
      case .user: frame = user
      }
      let opensUser = message.role == .user && isFirstUser
      prompt.append(opensUser ? firstUserBefore ?? frame.before : frame.before, trusted: true)
      if opensUser {
        isFirstUser = false
        if systemPlace == .insideFirstUserTurn { prompt.append(framed(system)) }
      }
      prompt.append(try content(of: message))
      prompt.append(frame.after, trusted: true)
    }
    if addGenerationPrompt { prompt.append(generationPrompt, trusted: true) }
    return prompt
  }

  private func framed(_ system: MarkedText) -> MarkedText {
    guard !system.isEmpty else { return system }
    var text = MarkedText(trusted: systemFrame.before)
    text.append(system)
    text.append(systemFrame.after, trusted: true)
    return text
  }

  private func content(of message: ChatMessage) throws(AviaryError) -> MarkedText {
    var text = MarkedText()
    var followsImage = false
    for part in message.parts {
      switch part {
      case .text(let piece):
        if followsImage { text.append(image.beforeText, trusted: true) }
        text.append(piece, trusted: false)
        followsImage = false
      case .image:
        guard message.role == .user else {
          throw AviaryError(.request, "a message of the \(message.role.rawValue) has an image", wanted: "text")
        }
        if followsImage { text.append(image.beforeImage, trusted: true) }
        text.append(image.text, trusted: true)
        followsImage = true
      }
    }
    return stripsMessages ? MarkedString(text).stripped().marked : text
  }
}

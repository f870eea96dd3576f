/// One message of a conversation, in the form that OpenAI's chat API made common.
public struct ChatMessage: Sendable, Hashable {
  public enum Role: String, Sendable, Hashable { case system, user, assistant }

  /// A piece of a message's content. Media are numbered in the order in which the conversation shows them, from 0.
  public enum Part: Sendable, Hashable {
    case text(String)
    case image(Int)
  }

  public var role: Role
  public var parts: [Part]

  public init(_ role: Role, _ parts: [Part]) {
    self.role = role
    self.parts = parts
  }

  public init(_ role: Role, _ text: String) { self.init(role, [.text(text)]) }

  /// The text parts joined as they are.
  public var text: String {
    parts.reduce(into: "") { if case .text(let t) = $1 { $0 += t } }
  }
}

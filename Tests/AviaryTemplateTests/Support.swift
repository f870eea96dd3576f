import AviaryCore
import AviaryTensor
import AviaryText
import Foundation
import Testing

/// The package's root, and the golden cases beside it (or where AVIARY_GOLDEN says).
enum Place {
  static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  static let golden =
    ProcessInfo.processInfo.environment["AVIARY_GOLDEN"].map { URL(fileURLWithPath: $0) }
    ?? tests.appendingPathComponent("../../../shared/golden").standardizedFileURL
  static let hasGolden = FileManager.default.fileExists(atPath: golden.path)

  static func json(_ url: URL) throws -> [String: Any] {
    try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
  }
}

struct Broken: Error {}

/// A request's messages; content is a text or a list of parts.
func conversation(_ messages: Any?) throws -> [ChatMessage] {
  guard let list = messages as? [[String: Any]] else { throw Broken() }
  var images = 0
  return try list.map { message in
    guard let role = ChatMessage.Role(rawValue: message["role"] as? String ?? "") else { throw Broken() }
    if let text = message["content"] as? String { return ChatMessage(role, text) }
    let parts = try (message["content"] as? [[String: Any]] ?? []).map { part -> ChatMessage.Part in
      if part["type"] as? String == "image" {
        images += 1
        return .image(images - 1)
      }
      guard let text = part["text"] as? String else { throw Broken() }
      return .text(text)
    }
    return ChatMessage(role, parts)
  }
}

/// Renders a template over messages whose content is text.
func render(
  _ source: String, _ messages: [ChatMessage] = [ChatMessage(.user, "hello")], limits: Limits = .standard,
  variables: [String: TemplateVariable] = [:]
) throws(AviaryError) -> MarkedText {
  try ChatTemplate(source: source, limits: limits, name: "test").render(
    messages: messages, addGenerationPrompt: true, variables: variables, contentForm: .text)
}

/// The error that the closure throws; nil where it throws none. Any other error is a failed test.
func failure(_ body: () throws -> some Any) -> AviaryError? {
  do {
    _ = try body()
    return nil
  } catch {
    if let known = error as? AviaryError { return known }
    Issue.record(error)
    return nil
  }
}

extension MarkedText {
  var trustedText: String {
    trusted.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }.joined()
  }
}

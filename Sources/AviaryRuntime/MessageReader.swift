import AviaryCore
import AviaryTensor

/// OpenAI-like messages: `content` is a string or a list of `{"type": "text" | "image", ...}`.
enum MessageReader {
  /// - Parameter firstImage: the number of the first picture.
  static func read(_ c: ConfigReader, firstImage: Int = 0) throws(AviaryError) -> (messages: [ChatMessage], imagePaths: [String]) {
    var messages: [ChatMessage] = []
    var paths: [String] = []
    for (index, item) in (try c.array("messages", maxCount: 1 << 16) ?? []).enumerated() {
      let m = try ConfigReader(item, place: "\(c.place): messages[\(index)]")
      let role: ChatMessage.Role = try m.choice("role", of: [("system", .system), ("user", .user), ("assistant", .assistant)])
      guard let parts = m.value("content")?.array else {
        messages.append(ChatMessage(role, try m.string("content")))
        continue
      }
      var content: [ChatMessage.Part] = []
      for part in parts {
        let p = try ConfigReader(part, place: "\(m.place).content")
        let isImage = try p.choice("type", of: [("text", false), ("image", true)])
        if isImage {
          content.append(.image(firstImage + paths.count))
          paths.append(try p.string("path"))
        } else {
          content.append(.text(try p.string("text")))
        }
      }
      messages.append(ChatMessage(role, content))
    }
    return (messages, paths)
  }
}

import AviaryCore
import AviaryTensor

/// The prompts of Qwen-VL's evaluation (eval_mm), which its base model was trained with; each question of a user becomes
/// one.
enum QwenVLEvaluation: String, CaseIterable {
  case caption, vqa, grounding

  /// - Throws: `.request` that lists all styles.
  static func named(_ name: String, beside others: [String]) throws(AviaryError) -> QwenVLEvaluation {
    guard let style = QwenVLEvaluation(rawValue: name) else {
      throw AviaryError(.request, "no prompt style \(name)", wanted: "one of " + (others + allCases.map(\.rawValue)).joined(separator: ", "))
    }
    return style
  }

  func asking(_ messages: [ChatMessage]) -> [ChatMessage] {
    messages.map { message in
      guard message.role == .user else { return message }
      var asked = message
      asked.parts = message.parts.filter { if case .image = $0 { true } else { false } } + [.text(question(message.text))]
      return asked
    }
  }

  private func question(_ text: String) -> String {
    switch self {
    case .caption: text.isEmpty ? "Describe the image in English:" : text
    case .vqa: "\(text) Answer:"
    // The answer is the place, which the prompt has begun.
    case .grounding: "<ref>\(text)</ref><box>"
    }
  }
}

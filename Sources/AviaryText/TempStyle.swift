public import AviaryCore
public import AviaryTensor
public struct PromptStyle: Sendable { public static let yiVL = PromptStyle(); public static let names: [String] = []; public static func named(_ n: String) -> PromptStyle? { PromptStyle() }
 public var stopStrings: [String] { ["###"] }
 public func render(_ m: [ChatMessage], imageMarker: String) throws(AviaryError) -> MarkedText { var t = MarkedText()
  for x in m { t.append(x.role == .user ? "USER: " : "ASSISTANT: ", trusted: true); for p in x.parts { if case .image = p { t.append(imageMarker + "\n", trusted: true) } }; t.append(x.text + " ", trusted: false) }
  t.append("ASSISTANT:", trusted: true); return t } }

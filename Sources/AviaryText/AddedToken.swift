import AviaryCore
import AviaryTensor

/// A token that stands beside the vocabulary and is looked for in the text before anything else.
public struct AddedToken: Sendable, Hashable {
  public var content: String
  /// nil for the next free id.
  public var id: Int32?
  /// A control token, left out by `decode(skipSpecial:)`.
  public var special: Bool
  /// Looked for in the normalised text, not in the text as it came.
  public var normalized: Bool
  /// Takes the blanks on its left, or right, along.
  public var lstrip: Bool
  public var rstrip: Bool
  /// Matches only where no word character touches it.
  public var singleWord: Bool

  public init(
    _ content: String, id: Int32? = nil, special: Bool = true, normalized: Bool = false, lstrip: Bool = false,
    rstrip: Bool = false, singleWord: Bool = false
  ) {
    self.content = content
    self.id = id
    self.special = special
    self.normalized = normalized
    self.lstrip = lstrip
    self.rstrip = rstrip
    self.singleWord = singleWord
  }

  /// Whether a text must be trusted to hold this token: it is marked special, or spelled like markup. Files are
  /// careless about the mark (`<image>`, `<tool_call>`), and nothing that a user types may open a slot or a turn.
  public var isControl: Bool { special || AddedToken.looksLikeMarkup(content) }

  static func looksLikeMarkup(_ text: String) -> Bool {
    let scalars = text.unicodeScalars
    guard scalars.count > 2, let first = scalars.first, let last = scalars.last else { return false }
    return first == "<" && last == ">" || first == "[" && last == "]"
  }

  /// Reads an entry of `added_tokens`, or a value of `added_tokens_decoder`.
  init(_ json: JSONReader, id: Int32?) throws(AviaryError) {
    content = try json.string("content")
    guard !content.isEmpty else { throw AviaryError(.format, "an added token is empty", at: json.path) }
    guard content.utf8.count <= AddedTokenMatcher.longestToken else {
      throw AviaryError(
        .limit, "an added token of \(content.utf8.count) bytes", wanted: "at most \(AddedTokenMatcher.longestToken)",
        at: json.path)
    }
    self.id = id
    special = try json.bool("special", default: false)
    normalized = try json.bool("normalized", default: !special)
    lstrip = try json.bool("lstrip", default: false)
    rstrip = try json.bool("rstrip", default: false)
    singleWord = try json.bool("single_word", default: false)
  }
}

/// Tags of HTML that some vocabularies have as pieces (Gemma's): text like any other, whoever typed it.
enum HTMLTag {
  /// `s` is missing, since `<s>` begins sequences elsewhere.
  private static let names: Set<Substring> = [
    "html", "head", "body", "title", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote",
    "strong", "em", "b", "i", "u", "sub", "sup", "code", "pre", "p", "a", "div", "span", "ul", "ol", "li", "br", "hr",
  ]

  static func isPlain(_ text: String) -> Bool {
    guard text.hasPrefix("<"), text.hasSuffix(">") else { return false }
    let inner = text.dropFirst().dropLast()
    return names.contains(inner.hasPrefix("/") ? inner.dropFirst() : inner)
  }
}

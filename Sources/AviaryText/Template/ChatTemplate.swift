public import AviaryCore
public import AviaryTensor

/// A chat template in the part of the Jinja language that model files use, run by an interpreter of our own.
///
/// It renders as Hugging Face's transformers does (`trim_blocks`, `lstrip_blocks`, an immutable sandbox), with two
/// differences. The output remembers which of its text came from messages: through every filter, operator and
/// method, each character keeps its mark. And an undefined value that is printed or used is an error that names it,
/// where Jinja would leave it out; `is defined`, `default`, `if` and `==` accept it.
///
/// A template is data of a model file and is not trusted to behave: the steps, depth and texts of a rendering are
/// bounded by `Limits`.
public struct ChatTemplate: Sendable {
  /// What the template is called in errors, such as its file.
  public let name: String
  /// The form of a message's content that the template reads, as found from the template itself.
  public let contentForm: ContentForm

  private let body: [Statement]
  private let lines: LineMap
  private let limits: Limits

  /// The forms of `message['content']`.
  public enum ContentForm: Sendable, Hashable {
    /// One text; pictures stand in it as the marker that the caller gives.
    case text
    /// A list of `{'type': 'text', 'text': ...}` and `{'type': 'image'}`.
    case parts
  }

  /// Parses a template.
  ///
  /// - Throws: `.format` with line and column where the template breaks the language's rules or uses a tag that is
  ///   refused; `.limit` where it is too long or nested too deeply.
  public init(source: String, limits: Limits = .standard, name: String) throws(AviaryError) {
    guard source.utf8.count <= limits.templateBytes else {
      throw AviaryError(
        .limit, "the chat template has \(source.utf8.count) bytes", wanted: "at most \(limits.templateBytes)", at: name)
    }
    do {
      var lexer = TemplateLexer(source)
      let tokens = try lexer.tokenize()
      var parser = TemplateParser(tokens, lexer.lines, depthLimit: limits.templateDepth)
      body = try parser.parse()
      lines = lexer.lines
    } catch {
      throw error.at(name)
    }
    self.name = name
    self.limits = limits
    contentForm = readsParts(body) ? .parts : .text
  }

  /// The prompt for a conversation.
  ///
  /// The template sees `messages`, `add_generation_prompt`, the variables given, and `tools` and `documents` as none
  /// unless they are given.
  ///
  /// - Parameters:
  ///   - addGenerationPrompt: whether the prompt ends where the assistant is to speak.
  ///   - variables: `bos_token`, `eos_token` and whatever else the template reads.
  ///   - contentForm: overrides the form that was found.
  ///   - imageMarker: what stands for a picture where the content is one text, such as `"<image>\n"`; trusted.
  ///   - now: what `strftime_now` gives.
  /// - Throws: `.request` where the template raises an exception or the conversation has pictures and no marker is
  ///   given; `.config` where the template cannot be run, with line and column; `.limit` where it takes too many
  ///   steps or writes too much.
  public func render(
    messages: [ChatMessage], addGenerationPrompt: Bool, variables: [String: TemplateVariable] = [:],
    contentForm: ContentForm? = nil, imageMarker: String? = nil, now: TemplateDate? = nil
  ) throws(AviaryError) -> MarkedText {
    do {
      var values: [String: TemplateValue] = ["tools": .none, "documents": .none]
      for (name, variable) in variables { values[name] = try variable.value(limits) }
      values["add_generation_prompt"] = .bool(addGenerationPrompt)
      let interpreter = Interpreter(limits: limits, lines: lines, now: now, variables: values)
      var list: [TemplateValue] = []
      for message in messages {
        let content = try content(of: message, contentForm ?? self.contentForm, imageMarker, interpreter)
        list.append(
          try interpreter.dict([
            (.trusted("role"), .trusted(message.role.rawValue)), (.trusted("content"), content),
          ]))
      }
      interpreter.define("messages", try interpreter.list(list))
      return try interpreter.render(body)
    } catch {
      throw error.at(name)
    }
  }

  private func content(
    of message: ChatMessage, _ form: ContentForm, _ imageMarker: String?, _ interpreter: Interpreter
  ) throws(AviaryError) -> TemplateValue {
    var text = MarkedString()
    var parts: [TemplateValue] = []
    for part in message.parts {
      switch (part, form) {
      case (.text(let piece), .text): text.append(MarkedString(piece, trusted: false))
      case (.image, .text):
        guard let imageMarker else {
          throw AviaryError(
            .request, "the conversation has an image, and the chat template takes text only", wanted: "an image marker")
        }
        text.append(imageMarker)
      case (.text(let piece), .parts):
        parts.append(
          try interpreter.dict([
            (.trusted("type"), .trusted("text")),
            (.trusted("text"), .string(MarkedString(piece, trusted: false))),
          ]))
      case (.image, .parts):
        parts.append(try interpreter.dict([(.trusted("type"), .trusted("image"))]))
      }
    }
    return form == .text ? .string(text) : try interpreter.list(parts)
  }
}

/// A value that a caller gives to a template.
public enum TemplateVariable: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByBooleanLiteral {
  /// Text of the model's own files, such as `bos_token`: its control tokens count.
  case trusted(String)
  /// Text of a user.
  case untrusted(String)
  case bool(Bool)
  case int(Int)
  /// Lists and mappings, such as tools. Their texts, keys included, are untrusted.
  case json(JSONValue)

  public init(stringLiteral value: String) { self = .trusted(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }

  fileprivate func value(_ limits: Limits) throws(AviaryError) -> TemplateValue {
    switch self {
    case .trusted(let text): .trusted(text)
    case .untrusted(let text): .string(MarkedString(text, trusted: false))
    case .bool(let value): .bool(value)
    case .int(let value): .int(value)
    case .json(let value): try Self.value(of: value, levels: limits.templateDepth)
    }
  }

  private static func value(of json: JSONValue, levels: Int) throws(AviaryError) -> TemplateValue {
    guard levels > 0 else { throw AviaryError(.limit, "a variable of the chat template is nested too deeply") }
    switch json {
    case .null: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value, trusted: false)
    case .double(let value): return .double(value, trusted: false)
    case .string(let text): return .string(MarkedString(text, trusted: false))
    case .array(let array):
      var items: [TemplateValue] = []
      for item in array { items.append(try value(of: item, levels: levels - 1)) }
      let depth = (items.lazy.map(\.depth).max() ?? 0) + 1
      return .list(TemplateList(items: items, kind: .list, depth: depth))
    case .object(let object):
      var members: [(key: TemplateValue, value: TemplateValue)] = []
      for (key, item) in object.members {
        members.append((.string(MarkedString(key, trusted: false)), try value(of: item, levels: levels - 1)))
      }
      guard let dict = TemplateDict(members) else {
        throw AviaryError(.internal, "a JSON object has a key that is no text")
      }
      return .dict(dict)
    }
  }
}

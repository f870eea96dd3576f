import AviaryCore
import AviaryTensor

/// One step of a decoder. Steps are fed token by token and hold back what may still change, so that decoding a stream
/// and decoding a list are the same code.
struct DecoderStage: Sendable {
  private enum Kind: Sendable {
    case byteLevel
    case byteFallback
    case replace([UInt8], with: [UInt8])
    case strip(UInt8, start: Int, stop: Int)
    case metaspace(mark: [UInt8], dropsFirst: Bool)
    case sentencePiece
    case joinedBySpaces
  }

  private let kind: Kind
  /// An earlier step has joined all tokens into one, so that "token" means the whole text here.
  private let isFused: Bool
  private var isFirst = true
  private var toStrip: Int
  private var held: [UInt8] = []

  private init(_ kind: Kind, isFused: Bool, toStrip: Int = 0) {
    self.kind = kind
    self.isFused = isFused
    self.toStrip = toStrip
  }

  /// SentencePiece's own decoding: marks become blanks, the first ones being dropped.
  static func sentencePiece(droppedMarks: Int) -> DecoderStage {
    DecoderStage(.sentencePiece, isFused: true, toStrip: droppedMarks)
  }

  /// Tokens are bytes in the printable alphabet.
  static let byteLevel = [DecoderStage(.byteLevel, isFused: false)]

  /// Without a decoder in the file, tokens are joined by blanks.
  static let none = [DecoderStage(.joinedBySpaces, isFused: false)]

  static func read(_ json: JSONReader) throws(AviaryError) -> [DecoderStage] {
    var isFused = false
    return try read(json, &isFused)
  }

  private static func read(_ json: JSONReader, _ isFused: inout Bool) throws(AviaryError) -> [DecoderStage] {
    let type = try json.string("type")
    switch type {
    case "Sequence":
      var stages: [DecoderStage] = []
      for part in try json.required("decoders").elements() { stages += try read(part, &isFused) }
      return stages
    case "ByteLevel":
      let stage = DecoderStage(.byteLevel, isFused: isFused)
      isFused = true
      return [stage]
    case "Fuse":
      isFused = true
      return []
    case "ByteFallback": return [DecoderStage(.byteFallback, isFused: isFused)]
    case "Replace":
      let pattern = Array(try json.required("pattern").string("String").utf8)
      guard !pattern.isEmpty else { throw AviaryError(.format, "the pattern is empty", at: json.path) }
      return [DecoderStage(.replace(pattern, with: Array(try json.string("content").utf8)), isFused: isFused)]
    case "Strip":
      let content = Array(try json.string("content").utf8)
      guard content.count == 1 else { throw try json.required("content").unfit("one ASCII character") }
      return [
        DecoderStage(
          .strip(content[0], start: try json.count("start"), stop: try json.count("stop")), isFused: isFused,
          toStrip: try json.count("start"))
      ]
    case "Metaspace":
      let metaspace = try Metaspace(json)
      return [
        DecoderStage(.metaspace(mark: metaspace.mark, dropsFirst: metaspace.prepend != .never), isFused: isFused)
      ]
    default: throw json.unknownType(type, of: "decoder")
    }
  }

  /// The tokens that this token gives now.
  mutating func next(_ token: [UInt8]) -> [[UInt8]] {
    defer { isFirst = false }
    switch kind {
    case .byteLevel: return [ByteAlphabet.bytes(of: token)]
    case .byteFallback:
      if let byte = ByteToken.byte(of: token[...]) {
        held.append(byte)
        return []
      }
      return finish() + [token]
    case .replace(let pattern, let content):
      let (out, rest) = (held + token).replacing(pattern, with: content)
      let kept = isFused ? rest.longestSuffix(beginning: pattern) : 0
      held = Array(rest.suffix(kept))
      return [out + rest.dropLast(kept)]
    case .strip(let byte, let start, let stop): return [strip(token, byte, start: start, stop: stop)]
    case .metaspace(let mark, let dropsFirst):
      let (out, rest) = token.replacing(mark, with: isFirst && dropsFirst ? [] : [0x20])
      return [out + rest]
    case .sentencePiece:
      var text = token[...]
      let mark = Array("\u{2581}".utf8)
      if toStrip > 0, text.starts(with: mark) {
        text = text.dropFirst(mark.count)
        toStrip -= 1
      }
      if !text.isEmpty { toStrip = 0 }
      let (out, rest) = Array(text).replacing(mark, with: [0x20])
      return [out + rest]
    case .joinedBySpaces: return [isFirst ? token : [0x20] + token]
    }
  }

  /// What was held back.
  mutating func finish() -> [[UInt8]] {
    defer { held = [] }
    guard !held.isEmpty else { return [] }
    switch kind {
    case .strip: return []
    case .byteFallback:
      // A run of byte tokens counts as a whole: where it is no UTF-8, each of its bytes is a replacement character.
      return String(validating: held, as: UTF8.self) != nil ? [held] : held.map { _ in Array("\u{fffd}".utf8) }
    default: return [held]
    }
  }

  private mutating func strip(_ token: [UInt8], _ byte: UInt8, start: Int, stop: Int) -> [UInt8] {
    if !isFused { toStrip = start }
    var text = (held + token)[...]
    held = []
    while toStrip > 0, let first = text.first {
      if first == byte {
        text = text.dropFirst()
        toStrip -= 1
      } else {
        toStrip = 0
      }
    }
    var tail = 0
    while tail < min(stop, text.count), text[text.endIndex - 1 - tail] == byte { tail += 1 }
    if isFused { held = Array(text.suffix(tail)) }
    return Array(text.dropLast(tail))
  }
}

/// The steps of a decoder and the text at their end.
struct DecoderChain: Sendable {
  private var stages: [DecoderStage]
  private var assembler = UTF8Assembler()

  init(_ stages: [DecoderStage]) { self.stages = stages }

  mutating func next(_ token: [UInt8]) -> String { assemble(run([token], from: 0)) }

  mutating func finish() -> String {
    var text = ""
    for i in stages.indices { text += assemble(run(stages[i].finish(), from: i + 1)) }
    return text + assembler.finish()
  }

  private mutating func run(_ tokens: [[UInt8]], from first: Int) -> [[UInt8]] {
    var tokens = tokens
    for i in first..<stages.count { tokens = tokens.flatMap { stages[i].next($0) } }
    return tokens
  }

  private mutating func assemble(_ tokens: [[UInt8]]) -> String {
    tokens.reduce(into: "") { $0 += assembler.next($1) }
  }
}

extension JSONReader {
  fileprivate func count(_ key: String) throws(AviaryError) -> Int {
    let member = try required(key)
    guard let count = member.value.int, count >= 0 else { throw member.unfit("a number from 0 on") }
    return count
  }
}

import AviaryCore
import AviaryTensor
import Foundation

/// A normaliser of a `tokenizer.json`: it rewrites the text between added tokens.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case nfc, nfd, nfkc, nfkd
  case lowercase
  case stripAccents
  case prepend([UInt8])
  case strip(left: Bool, right: Bool)
  case replace(TextPattern, with: [UInt8])

  init(_ json: JSONReader) throws(AviaryError) {
    let type = try json.string("type")
    switch type {
    case "Sequence":
      var parts: [Normalizer] = []
      for part in try json.required("normalizers").elements() { parts.append(try Normalizer(part)) }
      self = .sequence(parts)
    case "NFC": self = .nfc
    case "NFD": self = .nfd
    case "NFKC": self = .nfkc
    case "NFKD": self = .nfkd
    case "Lowercase": self = .lowercase
    case "StripAccents": self = .stripAccents
    case "Prepend": self = .prepend(Array(try json.string("prepend").utf8))
    case "Strip":
      self = .strip(left: try json.bool("strip_left", default: true), right: try json.bool("strip_right", default: true))
    case "Replace":
      self = .replace(try TextPattern(json: json.required("pattern")), with: Array(try json.string("content").utf8))
    default: throw json.unknownType(type, of: "normalizer")
    }
  }

  /// Whether it leaves every text as it is.
  var isIdentity: Bool {
    if case .sequence(let parts) = self { parts.allSatisfy(\.isIdentity) } else { false }
  }

  func normalize(_ text: [UInt8], _ search: PatternSearch) throws(AviaryError) -> [UInt8] {
    switch self {
    case .sequence(let parts):
      var text = text
      for part in parts { text = try part.normalize(text, search) }
      return text
    case .nfc: return UnicodeForm.nfc.apply(text)
    case .nfd: return UnicodeForm.nfd.apply(text)
    case .nfkc: return UnicodeForm.nfkc.apply(text)
    case .nfkd: return UnicodeForm.nfkd.apply(text)
    case .lowercase: return Array(String(decoding: text, as: UTF8.self).lowercased().utf8)
    case .stripAccents:
      var kept = String.UnicodeScalarView()
      for scalar in String(decoding: text, as: UTF8.self).unicodeScalars where !scalar.properties.generalCategory.isMark {
        kept.append(scalar)
      }
      return Array(String(kept).utf8)
    case .prepend(let prefix): return text.isEmpty ? text : prefix + text
    case .strip(let left, let right):
      let low = left ? Blanks.end(ofRunFrom: 0, text.span) : 0
      let high = right ? Blanks.start(ofRunBefore: text.count, text.span) : text.count
      return low < high ? Array(text[low..<high]) : []
    case .replace(let pattern, let content): return try pattern.replace(in: text, with: content, search)
    }
  }

  /// The normalised text with its marks.
  ///
  /// Marks are kept by normalising each trusted and each untrusted stretch on its own; only what stands at the very
  /// ends of the text (`Prepend`, `Strip`) looks at the whole. A combining mark at the beginning of an untrusted
  /// stretch is therefore not composed with the trusted letter before it.
  func normalize(marked text: MarkedText, _ search: PatternSearch) throws(AviaryError) -> MarkedText {
    switch self {
    case .sequence(let parts):
      var text = text
      for part in parts { text = try part.normalize(marked: text, search) }
      return text
    case .prepend(let prefix):
      guard !text.isEmpty else { return text }
      // The prefix goes with what it stands in front of: it may be part of a control token's normalised spelling.
      var out = MarkedText()
      out.append(String(decoding: prefix, as: UTF8.self), trusted: text.trusted.first?.lowerBound == 0)
      out.append(text)
      return out
    case .strip(let left, let right):
      let bytes = text.text.utf8.span
      let low = left ? Blanks.end(ofRunFrom: 0, bytes) : 0
      let high = right ? Blanks.start(ofRunBefore: bytes.count, bytes) : bytes.count
      return low < high ? text.slice(low..<high) : MarkedText()
    default:
      var out = MarkedText()
      for (range, trusted) in text.stretches {
        let part = try normalize(Array(text.slice(range).text.utf8), search)
        out.append(String(decoding: part, as: UTF8.self), trusted: trusted)
      }
      return out
    }
  }
}

/// The four normalisation forms of Unicode Standard Annex 15.
enum UnicodeForm {
  case nfc, nfd, nfkc, nfkd

  func apply(_ text: [UInt8]) -> [UInt8] {
    // ASCII is the same in every form.
    guard text.contains(where: { $0 >= 0x80 }) else { return text }
    let string = String(decoding: text, as: UTF8.self)
    let normalized =
      switch self {
      case .nfc: string.precomposedStringWithCanonicalMapping
      case .nfd: string.decomposedStringWithCanonicalMapping
      case .nfkc: string.precomposedStringWithCompatibilityMapping
      case .nfkd: string.decomposedStringWithCompatibilityMapping
      }
    return Array(normalized.utf8)
  }
}

extension Unicode.GeneralCategory {
  var isMark: Bool { self == .nonspacingMark || self == .spacingMark || self == .enclosingMark }
}

extension MarkedText {
  /// The trusted and untrusted stretches in turn; together they cover the text.
  var stretches: [(Range<Int>, trusted: Bool)] {
    var out: [(Range<Int>, trusted: Bool)] = []
    var start = 0
    for range in trusted {
      if start < range.lowerBound { out.append((start..<range.lowerBound, false)) }
      out.append((range, true))
      start = range.upperBound
    }
    if start < utf8Count { out.append((start..<utf8Count, false)) }
    return out
  }
}

extension TextPattern {
  /// Reads `{"String": ...}` or `{"Regex": ...}`.
  convenience init(json: JSONReader) throws(AviaryError) {
    let literal = json["String"]
    guard let text = try (literal ?? json["Regex"])?.string() else { throw json.unfit("an object with `String` or `Regex`") }
    do throws(AviaryError) {
      if literal == nil { try self.init(text) } else { try self.init(literal: text) }
    } catch {
      throw error.at(json.path)
    }
  }

  func replace(in text: [UInt8], with content: [UInt8], _ search: PatternSearch) throws(AviaryError) -> [UInt8] {
    var found: [Range<Int>] = []
    try search.matches(self, in: text.span, 0..<text.count, into: &found)
    guard !found.isEmpty else { return text }
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var start = 0
    for match in found {
      out.append(contentsOf: text[start..<match.lowerBound])
      out.append(contentsOf: content)
      start = match.upperBound
    }
    out.append(contentsOf: text[start...])
    return out
  }
}

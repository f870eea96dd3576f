import AviaryCore
import AviaryTensor
import Foundation
import Testing

@testable import AviaryText

/// What the Rust library returned for every component, on texts made to be awkward. See Fixtures/README.md.
enum Reference {
  static let all: JSONValue = {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/components.json")
    return (try? TestJSON.parse([UInt8](Data(contentsOf: file)))) ?? .null
  }()

  static let texts = strings(all["texts"])
  static let moreTexts = strings(all["more_texts"])
  static let tokenLists = all["token_lists"]?.array?.map { strings($0) } ?? []

  static func strings(_ value: JSONValue?) -> [String] { value?.array?.compactMap(\.string) ?? [] }

  /// The entries of one kind, named for test output.
  static func entries(_ kind: String) -> [Entry] {
    (all[kind]?.array ?? []).map { entry in
      let json = entry["json"] ?? .null
      return Entry(name: entry["name"]?.string ?? describe(json), json: json, expected: entry)
    }
  }

  private static func describe(_ value: JSONValue) -> String {
    switch value {
    case .object(let o): "{" + o.members.map { "\($0.key): \(describe($0.value))" }.joined(separator: ", ") + "}"
    case .array(let a): "[" + a.map(describe).joined(separator: ", ") + "]"
    case .string(let s): s
    default: value.kindDescription
    }
  }

  struct Entry: Sendable, CustomTestStringConvertible {
    let name: String
    let json: JSONValue
    let expected: JSONValue
    var testDescription: String { name }
  }
}

struct ComponentTests {
  let search = PatternSearch(seconds: 10)

  @Test(arguments: Reference.entries("normalizers"))
  func normalizes(entry: Reference.Entry) throws {
    let normalizer = try Normalizer(JSONReader(entry.json, at: "normalizer"))
    let wanted = Reference.strings(entry.expected["out"])
    #expect(wanted.count == Reference.texts.count && !wanted.isEmpty)
    for (text, wanted) in zip(Reference.texts, wanted) {
      let found = try normalizer.normalize(Array(text.utf8), search)
      #expect(found == Array(wanted.utf8), "\(text.debugDescription)")
      let marked = try normalizer.normalize(marked: MarkedText(trusted: text), search)
      #expect(sameBytes(marked.text, wanted), "\(text.debugDescription)")
    }
  }

  @Test(arguments: Reference.entries("pre_tokenizers"))
  func splits(entry: Reference.Entry) throws {
    let preTokenizer = try PreTokenizer(JSONReader(entry.json, at: "pre_tokenizer"))
    let wanted = entry.expected["out"]?.array ?? []
    #expect(wanted.count == Reference.texts.count)
    for (text, wanted) in zip(Reference.texts, wanted) {
      let pieces = try preTokenizer.split(PieceBuffer(Array(text.utf8), startsText: true), search)
      let found = (0..<pieces.count).map { Array(pieces.bytes[pieces.range($0)]) }
      #expect(found == Reference.strings(wanted).map { Array($0.utf8) }, "\(text.debugDescription)")
    }
  }

  @Test(arguments: Reference.entries("decoders"))
  func decodes(entry: Reference.Entry) throws {
    let stages = try DecoderStage.read(JSONReader(entry.json, at: "decoder"))
    for (tokens, wanted) in zip(Reference.tokenLists, entry.expected["out"]?.array ?? []) {
      // The library itself fails on some lists; there is nothing to compare with then.
      guard let wanted = wanted.string else { continue }
      var chain = DecoderChain(stages)
      let text = tokens.reduce(into: "") { $0 += chain.next(Array($1.utf8)) } + chain.finish()
      #expect(sameBytes(text, wanted), "\(tokens)")
    }
  }

  @Test(arguments: Reference.entries("tokenizers"))
  func encodesAsAWhole(entry: Reference.Entry) throws {
    let tokenizer = try SubwordTokenizer(tokenizerJSON: entry.json)
    let texts = Reference.texts + Reference.moreTexts
    let wanted = entry.expected["ids"]?.array ?? []
    #expect(wanted.count == texts.count && !texts.isEmpty)
    for (index, text) in texts.enumerated() {
      let ids = wanted[index].array?.compactMap { $0.int.map(Int32.init) } ?? []
      #expect(try tokenizer.encode(MarkedText(trusted: text), addSpecial: true) == ids, "\(text.debugDescription)")
      for (key, skip) in [("decoded", false), ("skipped", true)] {
        // Versions of the library differ on added tokens that the normaliser changes.
        guard let decoded = entry.expected[key]?.array?[index].string else { continue }
        #expect(sameBytes(tokenizer.decode(ids, skipSpecial: skip), decoded), "\(key) \(text.debugDescription)")
        #expect(sameBytes(streamed(tokenizer, ids, skipSpecial: skip), decoded), "\(key) \(text.debugDescription)")
      }
    }
    for (text, wanted) in zip(Reference.moreTexts, entry.expected["plain"]?.array ?? []) {
      let ids = wanted.array?.compactMap { $0.int.map(Int32.init) } ?? []
      #expect(try tokenizer.encode(MarkedText(trusted: text), addSpecial: false) == ids, "\(text.debugDescription)")
    }
  }
}

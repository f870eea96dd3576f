import AviaryCore
import AviaryTensor
import Testing

@testable import AviaryText

/// A line of `cases.jsonl`.
struct VocabularyCase {
  let name: String
  let text: String?
  let ids: [Int32]
  let decoded: String
  let json: JSONValue

  init(_ json: JSONValue, of vocabulary: String) {
    name = "\(vocabulary) \(json["n"]?.int ?? -1)"
    text = json["text"]?.string
    ids = json.ids("ids") ?? []
    decoded = json["decoded"]?.string ?? ""
    self.json = json
  }

  static func all(_ vocabulary: String) throws -> [VocabularyCase] {
    try Golden.lines("tokenizers/\(vocabulary)/cases.jsonl").map { VocabularyCase($0, of: vocabulary) }
  }
}

extension JSONValue {
  func ids(_ key: String) -> [Int32]? { self[key]?.array?.compactMap { $0.int.map(Int32.init) } }
}

/// Swift compares strings by canonical equivalence; tests want bytes.
func sameBytes(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

/// Decodes a stream and checks that no piece holds half a character more than the whole does.
func streamed(_ tokenizer: any Tokenizer, _ ids: [Int32], skipSpecial: Bool = false) -> String {
  var decoder = tokenizer.streamDecoder(skipSpecial: skipSpecial)
  var text = ""
  for id in ids { text += decoder.next(id) }
  return text + decoder.finish()
}

@Suite(.enabled(if: Golden.isThere))
struct TokenizerJSONGoldenTests {
  static let openFlamingo = [
    AddedToken("<|endofchunk|>"), AddedToken("<image>"), AddedToken("<PAD>"),
  ]

  @Test(arguments: [
    ("deepseek-llm", []), ("deepseek-v3-lineage", []), ("gpt-neox-20b-openflamingo", openFlamingo),
  ])
  func agreesOnEveryCase(vocabulary: String, extra: [AddedToken]) throws {
    let tokenizer = try SubwordTokenizer(tokenizerJSON: Golden.json("tokenizers/\(vocabulary)/tokenizer.json"), extra: extra)
    let cases = try VocabularyCase.all(vocabulary)
    #expect(cases.count == 340)
    for example in cases {
      if let text = example.text {
        let ids = try tokenizer.encode(MarkedText(trusted: text), addSpecial: false)
        #expect(ids == example.ids, "\(example.name)")
      }
      #expect(sameBytes(tokenizer.decode(example.ids, skipSpecial: false), example.decoded), "\(example.name)")
      #expect(sameBytes(streamed(tokenizer, example.ids), example.decoded), "\(example.name)")
    }
  }
}

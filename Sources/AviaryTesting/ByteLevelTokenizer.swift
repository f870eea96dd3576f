import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryText

/// The files of a byte-level tokenizer without merges: it takes every text, and fills a vocabulary of any size.
struct ByteLevelTokenizer {
  private let controls: [(token: String, id: Int32)]
  private let size: Int

  /// - Throws: `.request` where the vocabulary has no room for 256 bytes and the control tokens.
  init(_ controls: [String: Int32], size: Int) throws(AviaryError) {
    self.controls = controls.map { (token: $0.key, id: $0.value) }.sorted { $0.id < $1.id }
    self.size = size
    let isInside = self.controls.allSatisfy { $0.id >= 0 && Int($0.id) < size } && Set(controls.values).count == controls.count
    guard isInside, size >= 256 + controls.count else {
      throw AviaryError(
        .request, "a vocabulary of \(size) tokens", wanted: "room for 256 bytes and \(controls.count) control tokens, each with an id of its own below its size",
        at: "config.json: vocab_size")
    }
  }

  /// `tokenizer.json` and `tokenizer_config.json`.
  func files() throws(AviaryError) -> [(String, String)] {
    // Control tokens stand here as well: Hugging Face's library gives an id of its own to one that does not. Then bytes, then
    // pairs and triples of letters, which only an answer has.
    let taken = Dictionary(uniqueKeysWithValues: controls.map { (Int($0.id), $0.token) })
    var spellings = (ByteAlphabet.scalars.map { String(Character($0)) } + (0..<size).map(Self.letters)).makeIterator()
    var vocabulary = JSONObject()
    for id in 0..<size { vocabulary.append(taken[id] ?? spellings.next() ?? "", .int(id)) }
    // Without merges it is the same where texts are cut into words; GGUF has a name for GPT-2's cuts and none for no cuts.
    let stage = object([("type", .string("ByteLevel")), ("add_prefix_space", .bool(false)), ("trim_offsets", .bool(true)), ("use_regex", .bool(true))])
    let added = controls.map { control in
      object([
        ("id", .int(Int(control.id))), ("content", .string(control.token)), ("special", .bool(true)), ("normalized", .bool(false)),
        ("lstrip", .bool(false)), ("rstrip", .bool(false)), ("single_word", .bool(false)),
      ])
    }
    let tokenizer = object([
      ("version", .string("1.0")), ("added_tokens", .array(added)), ("normalizer", .null), ("pre_tokenizer", stage), ("post_processor", .null),
      ("decoder", stage), ("model", object([("type", .string("BPE")), ("vocab", .object(vocabulary)), ("merges", .array([]))])),
    ])
    var settings: [(String, JSONValue)] = []
    let names = Set(controls.map(\.token))
    for (key, token) in [("bos_token", "<s>"), ("eos_token", "</s>"), ("unk_token", "<unk>")] where names.contains(token) {
      settings.append((key, .string(token)))
    }
    settings.append(("add_bos_token", .bool(names.contains("<s>"))))
    return [
      ("tokenizer.json", JSONWriter.text(tokenizer, pretty: true)), ("tokenizer_config.json", JSONWriter.text(object(settings), pretty: true)),
    ]
  }

  /// The n-th spelling of two letters or more.
  private static func letters(_ n: Int) -> String {
    var (text, rest) = ("", n + 26)
    repeat {
      text = String(UnicodeScalar(UInt8(97 + rest % 26))) + text
      rest = rest / 26 - 1
    } while rest >= 0
    return text
  }

  private func object(_ members: [(String, JSONValue)]) -> JSONValue {
    var object = JSONObject()
    for (key, value) in members { object.append(key, value) }
    return .object(object)
  }
}

import AviaryCore

/// A decoder over the spellings of tokens.
struct TokenStreamDecoder: StreamDecoder {
  var chain: DecoderChain
  /// nil for an id that is left out.
  let spelling: @Sendable (Int32) -> [UInt8]?

  init(chain: DecoderChain, spelling: @escaping @Sendable (Int32) -> [UInt8]?) {
    self.chain = chain
    self.spelling = spelling
  }

  mutating func next(_ id: Int32) -> String { spelling(id).map { chain.next($0) } ?? "" }
  mutating func finish() -> String { chain.finish() }

  mutating func decode(_ ids: [Int32]) -> String {
    var text = ""
    for id in ids { text += next(id) }
    return text + finish()
  }
}

import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

struct TokenSequenceTests {
  static let ids = ByteTokenizer.ids("A sentence of some length, to be cut.")

  static func prompt(_ ids: [Int32]) -> TokenizedPrompt { TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: "") }

  /// The largest difference of two lists of logits, relative to the largest logit.
  static func difference(_ a: [Float], _ b: [Float]) -> Float {
    guard a.count == b.count, !a.isEmpty else { return .infinity }
    let largest = b.map(abs).max() ?? 1
    return (zip(a, b).map { abs($0 - $1) }.max() ?? .infinity) / largest
  }

  @Test(arguments: [1, 7, 37, 38]) func prefillInPiecesIsPrefillAsAWhole(chunk: Int) throws {
    let loaded = try TinyModel.seeing()
    let whole = try TokenSequence(loaded, capacity: 64)
    let split = try TokenSequence(loaded, capacity: 64, chunk: chunk)
    let (a, b) = (try whole.prefill(Self.prompt(Self.ids), []), try split.prefill(Self.prompt(Self.ids), []))
    #expect(Self.difference(b.logits, a.logits) < 1e-5)
    var (c, d): ([Float], [Float]) = ([], [])
    try whole.decode(9, into: &c)
    try split.decode(9, into: &d)
    #expect(Self.difference(d, c) < 1e-5)
    let all = try TokenSequence(loaded, capacity: 64, chunk: chunk).prefill(Self.prompt(Self.ids), [], allLogits: true)
    let wholes = try TokenSequence(loaded, capacity: 64).prefill(Self.prompt(Self.ids), [], allLogits: true)
    #expect(Self.difference(all.allLogits, wholes.allLogits) < 1e-5)
    #expect(all.logits == Array(all.allLogits.suffix(260)))
  }

  @Test func decodingTokenByTokenIsPrefill() throws {
    let loaded = try TinyModel.seeing()
    let whole = try TokenSequence(loaded, capacity: 64).prefill(Self.prompt(Self.ids), []).logits
    let sequence = try TokenSequence(loaded, capacity: 64)
    var logits = try sequence.prefill(Self.prompt([Self.ids[0]]), []).logits
    for id in Self.ids.dropFirst() { try sequence.decode(id, into: &logits) }
    #expect(Self.difference(logits, whole) < 1e-5)
    #expect(sequence.count == Self.ids.count)
  }

  @Test(arguments: [0, 1, 20, 38]) func whatIsSharedIsReused(shared: Int) throws {
    let loaded = try TinyModel.seeing()
    let sequence = try TokenSequence(loaded, capacity: 64)
    _ = try sequence.prefill(Self.prompt(Self.ids), [])
    var other = Array(Self.ids.prefix(shared)) + [200, 201, 202]
    if shared == 38 { other = Self.ids }  // The last token always runs: its logits are wanted.
    let second = try sequence.prefill(Self.prompt(other), [])
    #expect(second.reused == min(shared, 37))
    let fresh = try TokenSequence(loaded, capacity: 64).prefill(Self.prompt(other), [])
    #expect(Self.difference(second.logits, fresh.logits) < 1e-5)
  }

  @Test func picturesTogetherArePicturesAlone() throws {
    let loaded = try TinyModel.seeing()
    let sequence = try TokenSequence(loaded, capacity: 8)
    let pictures = try (1...3).map { try TinyProcessor().prepare(TinyModel.picture($0).image) }
    let alone = try pictures.map { try sequence.perceive($0).rows }
    let views = PixelTensor(shape: [3, 3, 8, 8], values: pictures.flatMap { $0.views[0].values })
    let together = try sequence.perceive(PreparedImage(views: [views], layout: MediaLayout(tokens: 12, imageWidth: 8, imageHeight: 8))).rows
    #expect(Self.difference(together, alone.flatMap { $0 }) < 1e-6)
  }

  @Test func aPictureOfOtherRowsThanDeclaredIsOurMistake() throws {
    var picture = try TinyProcessor().prepare(TinyModel.picture(1).image)
    picture.layout.tokens = 5
    let sequence = try TokenSequence(TinyModel.seeing(), capacity: 8)
    expectError(.internal, "became 4 rows", "5, as the processor declared") { _ = try sequence.perceive(picture) }
  }

  /// A prompt that is a picture and nothing else.
  @Test func aPictureAloneIsAPrompt() throws {
    let sequence = try TokenSequence(TinyModel.seeing(), capacity: 8)
    let rows = try sequence.perceive(TinyProcessor().prepare(TinyModel.picture(1).image)).rows
    let prompt = TokenizedPrompt(parts: [.image(0, count: 4)], inputIDs: [3, 3, 3, 3], text: "")
    #expect(try sequence.prefill(prompt, [PerceivedMedia(key: "a", rows: rows)]).logits.allSatisfy { $0.isFinite })
    expectError(.internal, "picture 0", "4 rows") { _ = try sequence.prefill(prompt, [PerceivedMedia(key: "b", rows: [1])]) }
  }

  /// Keys and values in sixteen bits change the logits a little, and not more.
  @Test(arguments: [(DType.f16, Float(2e-2)), (.bf16, 1e-1)]) func cachesOfSixteenBitsAreClose(kv: DType, tolerance: Float) throws {
    let loaded = try TinyModel.seeing()
    let exact = try TokenSequence(loaded, capacity: 64).prefill(Self.prompt(Self.ids), []).logits
    let sequence = try TokenSequence(loaded, capacity: 64, kv: kv)
    let close = try sequence.prefill(Self.prompt(Self.ids), []).logits
    #expect(Self.difference(close, exact) < tolerance)
    #expect(sequence.cache.byteCount * 2 == (try TokenSequence(loaded, capacity: 64).cache.byteCount))
  }
}

import AviaryCore
import Testing

struct StopDetectorTests {
  /// Text that comes out of pieces, and what ended it.
  static func stream(_ pieces: [String], _ stops: [String]) -> (text: String, hit: String?, pieces: [String]) {
    var detector = StopDetector(stops)
    var shown = pieces.map { detector.next($0) }
    shown.append(detector.finish())
    return (shown.joined(), detector.hit, shown)
  }

  @Test func aStopStringMayStraddlePieces() {
    let result = Self.stream(["Hi #", "#", "# there"], ["###"])
    #expect(result.text == "Hi ")
    #expect(result.hit == "###")
    #expect(result.pieces == ["Hi ", "", "", ""])
  }

  @Test func whatOnlyBeganLikeOneIsReleased() {
    #expect(Self.stream(["a##", "b"], ["###"]).pieces == ["a", "##b", ""])
    #expect(Self.stream(["a##"], ["###"]).pieces == ["a", "##"])
    #expect(Self.stream(["####"], ["###!"]).pieces == ["#", "###"])
    #expect(Self.stream(["ab", "ab", "c"], ["ababab"]).pieces == ["", "", "ababc", ""])
  }

  @Test func theOneThatIsCompleteFirstEndsIt() {
    #expect(Self.stream(["xabcd"], ["abcd", "bc"]).text == "xa")
    #expect(Self.stream(["xab", "cd"], ["abcd", "bc"]).text == "xa")
    // Of two that end at the same place, the longer one.
    #expect(Self.stream(["xabc"], ["bc", "abc"]).text == "x")
    #expect(Self.stream(["xabc"], ["abc", "bc"]).hit == "abc")
  }

  @Test func nothingComesAfterAHit() {
    var detector = StopDetector(["."])
    #expect(detector.next("a.b") == "a")
    #expect(detector.next("c") == "")
    #expect(detector.finish() == "")
  }

  @Test func withoutStopStringsAllPasses() {
    #expect(Self.stream(["a", "", "é"], []).text == "aé")
    #expect(Self.stream(["a", "b"], [""]).text == "ab")
  }

  /// Canonically equal is not equal: stop strings are compared by their bytes.
  @Test func bytesAreCompared() {
    #expect(Self.stream(["cafe\u{301}!"], ["caf\u{e9}"]).hit == nil)
    #expect(Self.stream(["caf\u{e9}!"], ["\u{e9}"]).text == "caf")
  }

  /// The definition: generation ends at the first byte that completes a stop string; of those that end there, the
  /// longest is cut off.
  static func cut(_ text: String, _ stops: [String]) -> String {
    let bytes = Array(text.utf8)
    for end in 0...bytes.count {
      let ending = stops.map { Array($0.utf8) }.filter { !$0.isEmpty && bytes[..<end].suffix($0.count) == $0[...] }
      if let longest = ending.map(\.count).max() { return String(decoding: bytes[..<(end - longest)], as: UTF8.self) }
    }
    return text
  }

  @Test(arguments: 1...20) func streamingEqualsCuttingTheWhole(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let alphabet = ["a", "b", "#", "é", "🐦", "\n"]
    func word(_ range: ClosedRange<Int>) -> String {
      (0..<Int.random(in: range, using: &random)).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }.joined()
    }
    for _ in 0..<200 {
      let text = word(0...24)
      let stops = (0..<Int.random(in: 0...4, using: &random)).map { _ in word(0...4) }
      var pieces: [String] = [""]
      for scalar in text.unicodeScalars {
        if Bool.random(using: &random) { pieces.append("") }
        pieces[pieces.count - 1].unicodeScalars.append(scalar)
      }
      let result = Self.stream(pieces, stops)
      #expect(result.text == Self.cut(text, stops), "\(pieces) with \(stops)")
      #expect((result.hit != nil) == (Self.cut(text, stops).utf8.count < text.utf8.count))
    }
  }
}

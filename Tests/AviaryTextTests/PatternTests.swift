import AviaryCore
import AviaryTensor
import Foundation
import Testing

@testable import AviaryText

struct PatternTests {
  private func matches(_ pattern: String, _ text: String, seconds: Double = 5) throws -> [String] {
    let bytes = Array(text.utf8)
    var found: [Range<Int>] = []
    try PatternSearch(seconds: seconds).matches(try TextPattern(pattern), in: bytes.span, 0..<bytes.count, into: &found)
    return found.map { String(decoding: bytes[$0], as: UTF8.self) }
  }

  @Test func meansWhatTheFilesMean() throws {
    #expect(try matches(#"\s"#, "a\u{180e}b\u{3000}c\u{85}") == ["\u{3000}", "\u{85}"], "U+180E is no blank")
    #expect(try matches(#"\p{Han}"#, "中々、〆") == ["中", "々"], "the script, without its extensions")
    #expect(try matches(#"\w+"#, "a\u{301}_\u{203f}b-c") == ["a\u{301}_\u{203f}b", "c"])
    #expect(try matches("a$", "a\nba\nb") == ["a", "a"], "$ stands at every line's end")
    #expect(try matches(#"\h"#, "xF g") == ["F"])
    #expect(try matches("(?i:'s)", "'ſ'S") == ["'ſ", "'S"])
    #expect(try matches("a*", "baac") == ["", "aa", ""])
  }

  @Test func literalsAreTakenLetterByLetter() throws {
    let text = "a.b*c(d)[e]\\Q\\E{1} ▁$^|?+-"
    let bytes = Array(("x" + text).utf8)
    var found: [Range<Int>] = []
    try PatternSearch(seconds: 5).matches(
      try TextPattern(literal: text), in: bytes.span, 0..<bytes.count, into: &found)
    #expect(found == [1..<bytes.count])
  }

  @Test(arguments: ["(", "[a", "*a", "[a[bc]]", "[a-z&&[b]]", #"\C"#, "(?<=a\\K)b", String(repeating: "(", count: 1000)])
  func refuses(pattern: String) {
    let error = #expect(throws: AviaryError.self) { try TextPattern(pattern) }
    #expect(error?.kind == .format)
  }

  @Test func refusesEndlessPatterns() {
    let error = #expect(throws: AviaryError.self) { try TextPattern(String(repeating: "a", count: 1 << 17)) }
    #expect(error?.kind == .limit)
  }

  /// A process that was stopped for a while, or a machine that slept, has not searched for long.
  @Test func timeThatNobodyWorkedDoesNotCount() throws {
    let search = PatternSearch(seconds: 0.2)
    var sleep = timespec(tv_sec: 0, tv_nsec: 400_000_000)
    nanosleep(&sleep, nil)
    let bytes = [UInt8](repeating: 0x61, count: 100)
    var found: [Range<Int>] = []
    try search.matches(try TextPattern("a"), in: bytes.span, 0..<bytes.count, into: &found)
    #expect(found.count == 100)
  }

  /// Each of these needs exponential or quadratic time on its text if nobody stops it.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      ("(a+)+$", String(repeating: "a", count: 5000) + "!"), ("(a|aa)+$", String(repeating: "a", count: 5000) + "!"),
      ("(.*)*x", String(repeating: "a", count: 3000)), ("(?:a?){40}a{40}$", String(repeating: "a", count: 39) + "b"),
      (#"^(([a-z])+.)+[A-Z]([a-z])+$"#, String(repeating: "a", count: 5000)),
      (#"\s+$"#, String(repeating: " ", count: 3_000_000) + "x"), ("x*y|x", String(repeating: "x", count: 3_000_000)),
      (#"(\p{L}+\s?)*!"#, String(repeating: "ab ", count: 3000)), (#"(?=(a+))a*b\1"#, String(repeating: "a", count: 50_000)),
    ])
  func stopsBacktracking(pattern: String, text: String) throws {
    do {
      _ = try matches(pattern, text, seconds: 1)
    } catch let error as AviaryError {
      #expect(error.kind == .limit)
    }
  }

  /// Long texts are searched in windows; the borders between them must not show.
  @Test func windowsDoNotShow() throws {
    let text = String(repeating: "aé b", count: 300_000)
    let found = try matches(#"\p{L}+"#, text)
    #expect(found.count == 300_001)
    #expect(found.dropFirst().dropLast().allSatisfy { $0 == "baé" })
    #expect(try matches("never", text + "never" + text) == ["never"])
  }
}

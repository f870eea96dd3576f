import AviaryCore
import AviaryFormats
import AviaryTensor
import CoreTestSupport
import Testing

struct ConfigReaderTests {
  @Test func valuesAreRead() throws {
    let c = try config(#"{"i": 3, "f": 4.0, "d": 0.5, "b": true, "s": "x", "a": [1, 2.5], "t": ["p", "q"], "o": {"k": 7}, "n": null}"#)
    #expect(try c.int("i", in: 0...3) == 3)
    #expect(try c.int("f", in: 0...9) == 4)
    #expect(try c.int("absent", default: 5, in: 0...9) == 5)
    #expect(try c.optionalInt("absent", in: 0...9) == nil)
    #expect(try c.optionalInt("i", in: 0...9) == 3)
    #expect(try c.number("d", in: 0...1) == 0.5)
    #expect(try c.number("i", in: 0...9) == 3)
    #expect(try c.number("absent", default: 0.1, in: 0...1) == 0.1)
    #expect(try c.bool("b", default: false))
    #expect(try c.bool("absent", default: true))
    #expect(try c.string("s") == "x")
    #expect(try c.optionalString("absent") == nil)
    #expect(try c.choice("s", of: [("y", 1), ("x", 2)]) == 2)
    #expect(try c.choice("absent", default: "y", of: [("y", 1), ("x", 2)]) == 1)
    #expect(try c.numbers("a", count: 2, default: []) == [1, 2.5])
    #expect(try c.numbers("absent", count: 2, default: [3, 4]) == [3, 4])
    #expect(try c.strings("t") == ["p", "q"])
    #expect(try c.strings("absent") == [])
    #expect(try c.array("i", orOne: true, maxCount: 4) == [.int(3)])
    #expect(try c.array("a", orOne: true, maxCount: 4)?.count == 2)
    #expect(try c.object("o")?.int("k", in: 0...9) == 7)
    #expect(try c.object("absent") == nil)
  }

  @Test func nullCountsAsAbsent() throws {
    let c = try config(#"{"n": null}"#)
    #expect(!c.has("n"))
    #expect(try c.int("n", default: 8, in: 0...9) == 8)
    #expect(try c.string("n", default: "d") == "d")
    #expect(try c.object("n") == nil)
    #expect(try c.array("n", maxCount: 1) == nil)
    expectError(.config, "config.json: n", "no such key", "a string") { _ = try c.string("n") }
  }

  /// Each: the file's text, the kind of reading, what the error must say.
  static let wrong: [(String, String, [String])] = [
    (#"{"num_hidden_layers": -1}"#, "int", ["config.json: num_hidden_layers", "the number -1", "1...1024"]),
    (#"{"num_hidden_layers": "32"}"#, "int", ["config.json: num_hidden_layers", #"the string "32""#, "an integer"]),
    (#"{"num_hidden_layers": 32.5}"#, "int", ["num_hidden_layers", "32.5", "an integer"]),
    (#"{"num_hidden_layers": 1e300}"#, "int", ["num_hidden_layers", "1e+300", "1...1024"]),
    (#"{"num_hidden_layers": 99999999999999999999999}"#, "int", ["num_hidden_layers", "1e+23", "1...1024"]),
    (#"{"num_hidden_layers": 9223372036854775807}"#, "int", ["num_hidden_layers", "9223372036854775807", "1...1024"]),
    (#"{"num_hidden_layers": true}"#, "int", ["num_hidden_layers", "true", "an integer"]),
    (#"{"num_hidden_layers": [1]}"#, "int", ["num_hidden_layers", "an array of 1"]),
    (#"{}"#, "int", ["num_hidden_layers", "no such key", "1...1024"]),
    (#"{"eps": "small"}"#, "number", ["config.json: eps", #"the string "small""#, "a number in 0.0...1.0"]),
    (#"{"eps": 2}"#, "number", ["eps", "the number 2", "0.0...1.0"]),
    (#"{}"#, "number", ["eps", "no such key"]),
    (#"{"flag": 1}"#, "bool", ["config.json: flag", "the number 1", "true or false"]),
    (#"{"flag": "true"}"#, "bool", ["flag", #"the string "true""#, "true or false"]),
    (#"{"act": 7}"#, "choice", ["config.json: act", "the number 7", "a string"]),
    (#"{"act": "geluu"}"#, "choice", ["act", #"the string "geluu""#, "one of gelu, silu"]),
    (#"{"o": 3}"#, "object", ["config.json: o", "the number 3", "an object"]),
    (#"{"o": {"k": "x"}}"#, "object", ["config.json: o.k", #"the string "x""#]),
    (#"{"a": 3}"#, "array", ["config.json: a", "the number 3", "an array"]),
    (#"{"a": [1, 2, 3, 4, 5]}"#, "array", ["a", "an array of 5", "at most 4"]),
    (#"{"mean": [1, 2]}"#, "numbers", ["config.json: mean", "an array of 2", "3 numbers"]),
    (#"{"mean": [1, 2, "x"]}"#, "numbers", ["mean", #"the string "x""#, "a finite number"]),
    (#"{"mean": 1}"#, "numbers", ["mean", "the number 1", "an array"]),
    (#"{"names": ["a", 1]}"#, "strings", ["config.json: names", "the number 1", "a string"]),
  ]

  @Test(arguments: wrong.indices) func whatIsWrongIsNamedByItsKeyPath(_ index: Int) throws {
    let (text, reading, parts) = Self.wrong[index]
    let c = try config(text)
    do {
      switch reading {
      case "int": _ = try c.int("num_hidden_layers", in: 1...1024)
      case "number": _ = try c.number("eps", in: 0...1)
      case "bool": _ = try c.bool("flag", default: false)
      case "choice": _ = try c.choice("act", of: [("gelu", 1), ("silu", 2)])
      case "object": _ = try c.object("o")?.int("k", in: 0...9)
      case "array": _ = try c.array("a", maxCount: 4)
      case "numbers": _ = try c.numbers("mean", count: 3, default: [])
      default: _ = try c.strings("names")
      }
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  @Test(arguments: ["[1]", "3", #""x""#, "null"]) func aFileThatIsNoObjectIsRefused(text: String) {
    expectError(.config, "config.json", "an object") { _ = try config(text) }
  }

  /// What the parser refuses never becomes a configuration: trust, group D.
  @Test(arguments: [
    ("huge1e999", #"{"a": 1e999}"#), ("nan", #"{"a": NaN}"#), ("infinity", #"{"a": -Infinity}"#), ("byteOrderMark", "\u{feff}{}"),
    ("trailingGarbage", "{} x"), ("twoDocuments", "{}{}"), ("duplicateKeys", #"{"a": 1, "a": 2}"#), ("depth", String(repeating: "[", count: 100_000)),
    ("empty", ""), ("truncated", #"{"a": "#),
  ]) func hostileJSONIsAnError(name: String, text: String) {
    expectError(name == "depth" ? .limit : .format, "config.json") { _ = try config(text) }
  }

  @Test func textInAnErrorIsEscapedAndShort() throws {
    let c = try config(#"{"act": "\u001b[2J", "long": "\#(String(repeating: "x", count: 9000))"}"#)
    expectError(.config, #"\u{1B}[2J"#) { _ = try c.choice("act", of: [("gelu", 1)]) }
    expectError(.config, "a string of 9000 bytes") { _ = try c.choice("long", of: [("gelu", 1)]) }
  }

  /// Files of other kinds than JSON have key paths as well.
  @Test func placesOfOtherFilesReadTheSame() throws {
    let c = try config(#"{"o": {"k": -1}}"#, place: "model.yaml")
    expectError(.config, "model.yaml: o.k:") { _ = try c.object("o")?.int("k", in: 0...1) }
  }

  /// Keys that are canonically equivalent are two keys: vocabularies have both.
  @Test func keysAreComparedByTheirBytes() throws {
    let c = try config("{\"caf\u{e9}\": 1, \"cafe\u{301}\": 2}")
    #expect(try c.int("caf\u{e9}", in: 0...9) == 1)
    #expect(try c.int("cafe\u{301}", in: 0...9) == 2)
  }
}

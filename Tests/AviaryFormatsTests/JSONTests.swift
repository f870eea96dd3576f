import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct JSONTests {
  static func parse(_ text: String, limits: Limits = .standard) throws -> JSONValue {
    try JSONParser.parse(Array(text.utf8), name: "test.json", limits: limits)
  }

  @Test func documentKeepsItsOrder() throws {
    let value = try Self.parse(#" {"b" : [1, -2.5e1, true, false, null, "x"], "a":{}, "c":[] } "#)
    #expect(value.object?.keys == ["b", "a", "c"])
    #expect(value["b"] == .array([.int(1), .double(-25), .bool(true), .bool(false), .null, .string("x")]))
    #expect(value["a"] == .object(JSONObject()))
    #expect(value["c"] == .array([]))
  }

  static let numbers: [(String, JSONValue)] = [
    ("0", .int(0)), ("-0", .int(0)), ("-0.0", .double(-0.0)), ("1.0", .double(1)), ("1e2", .double(100)),
    ("9223372036854775807", .int(.max)), ("-9223372036854775808", .int(.min)),
    ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("1E-999", .double(0)), ("0.1", .double(0.1)),
    ("1000000000000000019884624838656", .double(1e30)), ("2.2250738585072014e-308", .double(2.2250738585072014e-308)),
  ]
  @Test(arguments: numbers.indices) func number(_ index: Int) throws {
    let (text, value) = Self.numbers[index]
    #expect(try Self.parse(text) == value, "\(text)")
  }

  static let strings: [(String, String)] = [
    (#""""#, ""), (#""é漢😀""#, "é漢😀"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u6F22""#, "é漢"),
    (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"), (#""\ude00x""#, "\u{FFFD}x"),
    (#""\ud83dA""#, "\u{FFFD}A"), (#""\ud83d\ud83d\ude00""#, "\u{FFFD}😀"), (#""\ud83d\n""#, "\u{FFFD}\n"),
    (#""\u0000""#, "\u{0}"), (#""a\u0041é""#, "aAé"),
  ]
  @Test(arguments: strings.indices) func string(_ index: Int) throws {
    let (text, value) = Self.strings[index]
    #expect(try Self.parse(text) == .string(value), "\(text)")
  }

  static let bad: [(String, String)] = [
    ("", "ends where a value is wanted"), ("  ", "ends where a value"), ("\u{FEFF}{}", "byte-order mark"),
    ("{} x", "`x` after the end"), ("{}{}", "after the end"), ("[1,]", "unexpected `]`"), ("[1 2]", "a comma or `]`"),
    ("[", "ends where a value"), ("{\"a\":1,}", "a key in double quotes"), ("{\"a\" 1}", "wanted a colon"),
    ("{a:1}", "a key in double quotes"), ("{\"a\":1", "a comma or `}`"), ("'a'", "unexpected `'`"),
    ("tru", "wanted `true`"),
    ("nulx", "wanted `null`"), ("NaN", "NaN and Infinity are not JSON"), ("-Infinity", "wanted a digit"),
    ("[Infinity]", "are not JSON"), ("1e999", "`1e999` is too big"), ("-1e999", "too big"), ("01", "leading zero"),
    ("-01", "leading zero"), ("1.", "wanted a digit"), (".5", "unexpected `.`"), ("1e", "wanted a digit"),
    ("1e+", "wanted a digit"), ("+1", "unexpected `+`"), ("0x10", "after the end"), ("--1", "wanted a digit"),
    ("\"a", "without its closing quote"), ("\"\\", "ends in an escape"), ("\"\\x\"", "unknown escape"),
    ("\"\\u12\"", "four hexadecimal digits"), ("\"\\ud83d\\u12\"", "four hexadecimal"), ("\"\n\"", "control character"),
    ("\"\\n\t\"", "control character"), ("/* */ 1", "unexpected `/`"), ("\u{0}", "byte 0x0"),
  ]
  @Test(arguments: bad.indices) func refuses(_ index: Int) {
    let (document, wanted) = Self.bad[index]
    let text = errorText { _ = try Self.parse(document) }
    #expect(text.contains(wanted), "\(document.debugDescription): \(text)")
    #expect(text.hasPrefix("test.json, line "), "\(text)")
  }

  @Test func invalidUTF8() {
    for bytes: [UInt8] in [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0x5C, 0x6E, 0xC3, 0x22],
    ] {
      #expect(errorText { _ = try JSONParser.parse(bytes, name: "x") }.contains("not valid UTF-8"))
    }
  }

  @Test func errorsNameThePlace() {
    let text = errorText { _ = try Self.parse("{\n \"a\": [0, {\"b\": tru}]\n}") }
    #expect(text == "test.json, line 2, byte 18, at `a[1].b`: an unknown word; wanted `true`")
  }

  @Test func duplicateKeyNamesItsPath() {
    let text = errorText { _ = try Self.parse(#"{"model":{"vocab":{"x":1,"x":2}}}"#) }
    #expect(text == "test.json, line 1, byte 25, at `model.vocab.x`: the key `x` is there twice; wanted each key once")
  }

  @Test func controlCharactersAreEscapedInErrors() {
    let text = errorText { _ = try Self.parse(#"{"\u001b[31m":1,"\u001b[31m":2}"#) }
    #expect(!text.utf8.contains(0x1B))
    #expect(text.contains(#"\u{1b}[31m"#))
  }

  @Test func depthIsLimited() throws {
    func nested(_ n: Int) -> String { String(repeating: "[", count: n) + String(repeating: "]", count: n) }
    _ = try Self.parse(nested(64))
    #expect(errorText { _ = try Self.parse(nested(65)) }.contains("nested too deeply"))
    #expect(
      errorText { _ = try Self.parse(String(repeating: "{\"a\":", count: 100_000)) }.contains("nested too deeply"))
  }

  @Test func sizesAreLimited() throws {
    var limits = Limits.standard
    limits.jsonValues = 4
    _ = try Self.parse("[1,2,3]", limits: limits)
    #expect(errorText { _ = try Self.parse("[1,2,3,4]", limits: limits) }.contains("too many values"))
    #expect(errorText { _ = try Self.parse("0." + String(repeating: "1", count: 2000)) }.contains("2002 characters"))
    let folder = try TemporaryFolder()
    let path = try folder.write("config.json", "[1,2,3]")
    #expect(try JSONParser.parse(file: path) == .array([.int(1), .int(2), .int(3)]))
    #expect(
      errorText { _ = try JSONParser.parse(file: path, maxBytes: 6) }
        == "config.json: the file has 7 bytes; wanted at most 6")
  }

  @Test func everyTruncationIsRefused() throws {
    let text = Array(#"{"a":[1.5e3,"é\u00e9",{"b":null}],"c":true}"#.utf8)
    for length in 0..<text.count {
      #expect(throws: AviaryError.self) { try JSONParser.parse(Array(text[..<length]), name: "x") }
    }
  }

  @Test func anyFlippedByteIsHandled() {
    let text = Array(#"{"a":[1.5e3,"é\u00e9",{"b":null}],"c":true}"#.utf8)
    for index in text.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = text
        changed[index] = byte
        do { _ = try JSONParser.parse(changed, name: "x") } catch { #expect(error.kind == .format) }
      }
    }
  }

  @Test func writerGivesWhatTheParserReads() throws {
    let text = #"{"a":[1,-2.5,1e+30,true,null,[],{}],"é\"\\":"\n\r\t\u0000\u001f\u007f😀/","e":1e-05}"#
    let value = try Self.parse(text)
    #expect(JSONWriter.text(value) == text)
    #expect(try Self.parse(JSONWriter.text(value, pretty: true)) == value)
  }

  @Test func prettyText() throws {
    let value = try Self.parse(#"{"a":[1,{"b":[]}],"c":{}}"#)
    #expect(
      JSONWriter.text(value, pretty: true) == """
        {
          "a": [
            1,
            {
              "b": []
            }
          ],
          "c": {}
        }
        """)
    #expect(JSONWriter.text(.array([.double(.nan), .double(.infinity)])) == "[null,null]")
  }
}

import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// What a configuration file may not do.
struct YAMLTests {
  static func apply(_ text: String) throws {
    var settings = Settings()
    try settings.apply(yaml: text, name: "c.yaml")
  }

  /// Ten lines of nine aliases each would be 10^9 nodes; as keys they would be compared one by one.
  static let laughs: String = {
    let levels = (0..<10).map { level in
      level == 0 ? "a0: &a0 [x, x, x, x, x, x, x, x, x]" : "a\(level): &a\(level) [\((0..<9).map { _ in "*a\(level - 1)" }.joined(separator: ", "))]"
    }
    return levels.joined(separator: "\n")
  }()

  @Test(.timeLimit(.minutes(1)), arguments: [laughs, laughs + "\n? *a9\n: 1\n", "a: &x 1\nb: *x\n", "a: &x {b: 1}\nc: {<<: *x}\n", "[&k-9_ model,*k-9_]"])
  func aliasesAreRefused(text: String) {
    expectError(.format, "c.yaml", "an alias", "a file without `*name`") { try Self.apply(text) }
  }

  @Test func anAliasOfNothingIsNoYAML() {
    expectError(.format, "c.yaml", "not YAML (line 1)") { try Self.apply("model: *nothing\n") }
  }

  @Test func ampersandsAndStarsInTextAreText() throws {
    var settings = Settings()
    try settings.apply(yaml: "system: Q&A and R & D, 2*3\nstop: ['*', '&']\n", name: "c.yaml")
    #expect(settings.system == "Q&A and R & D, 2*3")
    #expect(settings.stop == ["*", "&"])
  }

  @Test(.timeLimit(.minutes(1)), arguments: [65, 999, 200_000]) func depthIsBounded(depth: Int) {
    expectError(depth < 1000 ? .limit : .format, "c.yaml") {
      try Self.apply("stop: " + String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth))
    }
    expectError(depth < 1000 ? .limit : .format, "c.yaml") { try Self.apply("stop:\n" + String(repeating: "- ", count: depth) + "1") }
  }

  @Test(arguments: ["threads: 1\nthreads: 2\n", "{threads: 1, threads: 1}", "threads: 1\n\"threads\": 2\n"]) func keysStandOnce(text: String) {
    expectError(.format, "c.yaml") { try Self.apply(text) }
  }

  @Test(arguments: ["threads: [1", "\tthreads: 1", "threads: 1\n---\nthreads: 2\n", "a: b: c", "%", "\"", "!!binary x: y: z"]) func whatIsNoYAMLIsAnError(text: String) {
    expectError(.format, "c.yaml", "not YAML") { try Self.apply(text) }
  }

  @Test(arguments: ["- a\n- b\n", "word", "42"]) func aFileThatIsNoMappingIsAnError(text: String) {
    expectError(.config, "c.yaml", "not a mapping", "key: value") { try Self.apply(text) }
  }

  @Test func theSizeIsBounded() {
    expectError(.limit, "c.yaml", "16777217 bytes", "at most 16777216") { try Self.apply("#" + String(repeating: "x", count: 16 << 20)) }
  }

  @Test(arguments: ["? [a, b]\n: 1\n", "{a: 1}: 2\n"]) func aKeyIsAWord(text: String) {
    expectError(.format, "c.yaml", "a key that is no word") { try Self.apply(text) }
  }
}

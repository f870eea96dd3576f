import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

struct SettingsTests {
  static func yaml(_ text: String) throws -> Settings {
    var settings = Settings()
    try settings.apply(yaml: text, name: "aviary.yaml")
    return settings
  }

  @Test func everyKeyIsRead() throws {
    let s = try Self.yaml(
      """
      # a comment
      model: Zoo/llava-1.5-7b.yaml
      backend: vulkan
      device: 0
      threads: 2
      weights: bf16
      vision_weights: keep
      adapter_weights: f16
      compute: bf16
      context: 4096
      kv: f16
      temperature: 0.7
      top_k: 40
      top_p: 0.9
      min_p: 0.05
      repetition_penalty: 1.1
      seed: 18446744073709551615
      max_tokens: 64
      lookup: 6
      stop: ["###", 1.50, "</s>"]
      system: "Be: brief"
      style: v1
      """)
    #expect((s.model, s.backend, s.device, s.threads) == ("Zoo/llava-1.5-7b.yaml", "vulkan", "0", 2))
    #expect((s.weights, s.compute, s.kv, s.context) == (.bf16, .bf16, .f16, 4096))
    #expect((s.temperature, s.topK, s.topP, s.minP, s.repetitionPenalty) == (0.7, 40, 0.9, 0.05, 1.1))
    #expect(s.weightTypes == WeightTypes(language: .bf16, vision: nil, adapter: .f16))
    #expect(s.lookup == 6)
    #expect((s.seed, s.maxTokens) == (.max, 64))
    #expect(s.stop == ["###", "1.50", "</s>"])
    #expect((s.system, s.style) == ("Be: brief", "v1"))
  }

  /// Every key of the list is one that a file and the environment can set.
  @Test(arguments: Settings.keys) func everyListedKeyIsKnown(key: String) {
    var settings = Settings()
    do { try settings.set(key, ["\u{1}"], at: "test") } catch {
      #expect(error.kind == .config)
      #expect(!error.found.contains("unknown key"), "\(error)")
    }
  }

  @Test func flagsBeatTheEnvironmentWhichBeatsTheFileWhichBeatsDefaults() throws {
    var s = try Self.yaml("backend: fromfile\nthreads: 1\nseed: 1\n")
    #expect(s.maxTokens == 512)
    try s.apply(environment: ["AVIARY_BACKEND": "fromenv", "AVIARY_THREADS": "2", "AVIARY_STOP": "###", "AVIARY_UNKNOWN": "x", "AVIARY_SEED": "", "backend": "no"])
    #expect((s.backend, s.threads, s.seed, s.stop) == ("fromenv", 2, 1, ["###"]))
    try s.set("backend", ["fromflag"], at: "--backend")
    #expect((s.backend, s.threads) == ("fromflag", 2))
  }

  @Test func wordsAreKeptAsTheyAreWritten() throws {
    #expect(try Self.yaml("model: 1e5").model == "1e5")
    #expect(try Self.yaml("model: 007").model == "007")
    #expect(try Self.yaml("model: true").model == "true")
    #expect(try Self.yaml("system: ''").system == "")
    #expect(try Self.yaml("model: null\nthreads: ~\nsystem:").model == nil)
    #expect(try Self.yaml("weights: keep").weights == nil)
    #expect(try Self.yaml("stop: one").stop == ["one"])
    #expect(try Self.yaml("stop: []").stop == [])
    #expect(try Self.yaml("") == Settings())
    #expect(try Self.yaml("# nothing\n") == Settings())
  }

  @Test(arguments: [("bakend", "backend"), ("temprature", "temperature"), ("topk", "top_k"), ("max-tokens", "max_tokens"), ("Seed", "seed"), ("", "kv")])
  func anUnknownKeyNamesTheNearest(key: String, nearest: String) {
    expectError(.config, "aviary.yaml: unknown key \(key)", "wanted \(nearest), perhaps") { _ = try Self.yaml("\"\(key)\": 1") }
  }

  static let bad: [(String, [String])] = [
    ("threads: 0", ["aviary.yaml: threads", #""0""#, "1...1024"]), ("threads: two", ["threads", #""two""#]), ("threads: 1.5", ["threads", #""1.5""#]),
    ("threads: [1, 2]", ["aviary.yaml: threads", "2 values", "wanted one"]), ("backend: []", ["backend", "0 values"]), ("context: -1", ["context", #""-1""#]),
    ("context: 99999999999999999999", ["context", "99999999999999999999"]), ("temperature: nan", ["temperature", #""nan""#, "0.0...100.0"]),
    ("temperature: inf", ["temperature", #""inf""#]), ("temperature: -0.1", ["temperature", #""-0.1""#]), ("top_p: 1.01", ["top_p", "0.0...1.0"]), ("min_p: 2", ["min_p"]),
    ("repetition_penalty: 0", ["repetition_penalty", "0.01...100.0"]), ("seed: -1", ["seed", #""-1""#, "an integer from 0"]), ("seed: 18446744073709551616", ["seed"]),
    ("max_tokens: -1", ["max_tokens", #""-1""#]), ("weights: q3", ["weights", #""q3""#, "one of keep, f32, f16, bf16, q8_0"]), ("compute: f16", ["compute", "one of f32, bf16"]),
    ("kv: i8", ["kv", "one of f32, f16, bf16"]), ("model: {a: 1}", ["aviary.yaml: model", "a list or mapping", "a word or a number"]),
    ("stop: [[a]]", ["aviary.yaml: stop", "a list or mapping"]),
  ]

  @Test(arguments: bad.indices) func aBadValueIsNamed(_ index: Int) {
    let (text, parts) = Self.bad[index]
    do {
      _ = try Self.yaml(text)
      Issue.record("no error for \(text)")
    } catch {
      #expect((error as? AviaryError)?.kind == .config)
      for part in parts { #expect("\(error)".contains(part), "\(error)") }
    }
  }

  @Test func theEnvironmentsMistakesNameTheVariable() {
    var settings = Settings()
    expectError(.config, "AVIARY_THREADS", #""many""#, "1...1024") { try settings.apply(environment: ["AVIARY_THREADS": "many"]) }
  }
}

import ArgumentParser
import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor

/// Measures a model's phases apart.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure load, image encode, prefill and decode apart.",
    discussion: "With --random, a manifest's published shapes are filled with random numbers of the type that --weights names: no checkpoint is needed.")

  @Argument(help: "A model, or with --random a manifest of the zoo.")
  var model: String
  @OptionGroup var backend: BackendArguments
  @Option(help: "Tokens of the prompt.")
  var prompt = 512
  @Option(help: "Tokens to generate.")
  var generate = 64
  @Option(help: "Pictures to encode.")
  var images = 1
  @Option(help: "Times that all is measured; the median is printed, and the best.")
  var repetitions = 3
  @Flag(help: "Random weights at the model's shapes.")
  var random = false
  @Option(help: "Storage of keys and values: f32, f16, bf16 or q8_0.")
  var kv: String?
  @Option(help: "Also write with so many sequences in common steps: numbers with commas between, as 1,4,16.")
  var parallel: String?
  @Option(help: "Measure on several backends in turn and print them side by side: cpu,vulkan.")
  var compare: String?
  @Flag(help: "Also show where the time goes: every family of operations against the machine's measured limits.")
  var roofline = false
  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    var settings = try backend.settings()
    if let kv { try settings.set("kv", [kv], at: "--kv") }
    for (name, value, range) in [("prompt", prompt, 0...1 << 20), ("generate", generate, 0...1 << 20), ("images", images, 0...64), ("repetitions", repetitions, 1...1000)] {
      guard range.contains(value) else { throw AviaryError(.request, "--\(name) \(value)", wanted: "\(range.lowerBound)...\(range.upperBound)") }
    }
    var counts: [Int] = []
    for word in parallel?.split(separator: ",", omittingEmptySubsequences: false) ?? [] {
      guard let count = Int(word), (1...256).contains(count) else {
        throw AviaryError(.request, "--parallel \(word)", wanted: "1...256, with commas between")
      }
      counts.append(count)
    }
    if let compare {
      var test = SpeedTest()
      (test.promptTokens, test.generatedTokens, test.images) = (prompt, generate, images)
      return try BenchComparison(compare, test, repetitions: repetitions).run(settings) { (settings, machine) throws(AviaryError) in
        try settings.loader().load(model, on: machine, weights: settings.weightTypes, random: random ? settings.weights ?? .bf16 : nil)
      }
    }
    let start = ContinuousClock.now
    let opened = try settings.openBackend()
    let timed = roofline ? TimedBackend(opened) : nil
    let machine: any Backend = timed ?? opened
    let loaded = try settings.loader().load(model, on: machine, weights: settings.weightTypes, random: random ? settings.weights ?? .bf16 : nil)
    let load = start.seconds

    var test = SpeedTest()
    (test.promptTokens, test.generatedTokens, test.images) = (prompt, generate, images)
    var figures: [SpeedTest.Figures] = []
    for index in 0..<repetitions {
      Console.progress("repetition \(index + 1) of \(repetitions)")
      figures.append(try test.run(loaded, kv: settings.kv))
    }
    var together: [(count: Int, rate: Double)] = []
    for count in counts {
      Console.progress("\(count) sequences")
      let seconds = try test.runTogether(loaded, sequences: count, kv: settings.kv)
      together.append((count, Double(count * generate) / max(seconds, 1e-9)))
    }
    Console.clearProgress()
    report(loaded, load, figures, together)
    if let timed { try RooflineReport(timed).print(loaded, test, kv: settings.kv) }
  }

  private func report(_ loaded: LoadedModel, _ load: Double, _ figures: [SpeedTest.Figures], _ together: [(count: Int, rate: Double)]) {
    func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
    let encodes = figures.compactMap(\.encode).map { $0 * 1000 }
    let prefills = figures.map { $0.prefill > 0 ? Double(prompt) / $0.prefill : 0 }
    let decodes = figures.map { $0.decode > 0 ? Double(generate) / $0.decode : 0 }
    let name = type(of: (loaded.backend as? TimedBackend)?.base ?? loaded.backend).id
    if json {
      var object = JSONObject()
      object.append("model", .string(loaded.name))
      object.append("backend", .string(name))
      object.append("device", .string(loaded.backend.capabilities.deviceName))
      object.append("load_seconds", .double(load))
      if !encodes.isEmpty { object.append("encode_milliseconds", .array(encodes.map(JSONValue.double))) }
      object.append("prefill_tokens_per_second", .array(prefills.map(JSONValue.double)))
      object.append("decode_tokens_per_second", .array(decodes.map(JSONValue.double)))
      for (count, rate) in together { object.append("decode_tokens_per_second_\(count)_sequences", .double(rate)) }
      if let count = figures[0].submissions { object.append("submissions_per_token", .double(count)) }
      object.append("weight_bytes", .int(loaded.weights.byteCount))
      object.append("arena_bytes", .int(figures[0].arenaBytes))
      object.append("kv_cache_bytes", .int(figures[0].cacheBytes))
      Console.print(JSONWriter.text(.object(object), pretty: true))
      return
    }
    var rows = [["phase", "median", "best", ""]]
    rows.append(["load", "\(Answer.rounded(load)) s", "", "\(Amount.count(loaded.weights.parameterCount)) parameters, \(Amount.bytes(loaded.weights.byteCount))"])
    if let best = encodes.min() { rows.append(["encode", "\(Int(median(encodes))) ms", "\(Int(best)) ms", "per picture"]) }
    if prompt > 0 { rows.append(["prefill", "\(Answer.rounded(median(prefills))) tokens/s", "\(Answer.rounded(prefills.max() ?? 0))", "\(prompt) tokens"]) }
    if generate > 0 {
      let pieces = figures[0].submissions.map { ", \(Answer.rounded($0)) submissions each" } ?? ""
      rows.append(["decode", "\(Answer.rounded(median(decodes))) tokens/s", "\(Answer.rounded(decodes.max() ?? 0))", "\(generate) tokens\(pieces)"])
    }
    for (count, rate) in together {
      rows.append(["decode, \(count) at once", "\(Answer.rounded(rate)) tokens/s", "", "together; \(Answer.rounded(rate / Double(count))) each"])
    }
    Console.print("\(loaded.name) on \(name): \(loaded.backend.capabilities.deviceName)")
    Console.print(Table.text(rows))
    Console.print("arena \(Amount.bytes(figures[0].arenaBytes)), KV cache \(Amount.bytes(figures[0].cacheBytes))")
  }
}

import AviaryCore
import AviaryTensor

/// Where a model's time goes: every family of operations with its time, its bytes and operations, and their share of what the machine was
/// measured to do at most.
struct RooflineReport {
  let backend: TimedBackend
  let limits: MachineLimits?

  /// Measures the machine first.
  init(_ backend: TimedBackend) {
    self.backend = backend
    Console.progress("the machine's limits")
    limits = backend.measureLimits()
    Console.clearProgress()
    guard let limits else {
      Console.print("limits: this backend does not measure any")
      return
    }
    let bytes = limits.byteOperations > 0 ? "bytes \(Int(limits.byteOperations / 1e9)) G operations/s, " : ""
    Console.print("limits: f32 \(Int(limits.floatOperations / 1e9)) GFLOPS, \(bytes)read \(Self.short(limits.bytesRead / 1e9)) GB/s")
  }

  /// Runs each phase once step by step; a first run, untimed, brings weights into memory and makes the plans.
  func print(_ loaded: LoadedModel, _ test: SpeedTest, kv: DType) throws(AviaryError) {
    var phases: [(name: String, test: SpeedTest)] = []
    func phase(_ name: String, _ images: Int, _ prompt: Int, _ generate: Int) {
      var part = SpeedTest()
      (part.images, part.promptTokens, part.generatedTokens) = (images, prompt, generate)
      phases.append((name, part))
    }
    if loaded.model.canSee, test.images > 0 { phase("encode", test.images, 0, 0) }
    if test.promptTokens > 0 { phase("prefill of \(test.promptTokens)", 0, test.promptTokens, 0) }
    if test.generatedTokens > 0 { phase("decode of \(test.generatedTokens)", 0, 0, test.generatedTokens) }
    for (name, part) in phases {
      let whole = try part.run(loaded, kv: kv)
      let families = try backend.times { () throws(AviaryError) in _ = try part.run(loaded, kv: kv) }
      let seconds = families.reduce(0) { $0 + $1.1.seconds }
      Console.print("\n\(name): \(Self.short(seconds * 1000)) ms step by step, \(Self.short(((whole.encode ?? 0) + whole.prefill + whole.decode) * 1000)) ms in whole runs")
      var rows = [["family", "steps", "ms", "share", "GB/s", "of read", "G op/s", "of limit", ""]]
      for (name, family) in families { rows.append(row(name, family, seconds)) }
      Console.print(Table.text(rows))
    }
  }

  private func row(_ name: String, _ family: TimedBackend.Family, _ seconds: Double) -> [String] {
    let (bytes, operations) = (family.bytes / family.seconds, family.operations / family.seconds)
    let most = limits.map { family.isOfBytes && $0.byteOperations > 0 ? $0.byteOperations : $0.floatOperations }
    return [
      name, "\(family.steps)", Self.short(family.seconds * 1000), Self.percent(family.seconds / seconds), Self.short(bytes / 1e9),
      limits.map { Self.percent(bytes / $0.bytesRead) } ?? "", Self.short(operations / 1e9), most.map { Self.percent(operations / $0) } ?? "",
      family.isOfBytes ? "of byte operations" : "",
    ]
  }

  private static func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
  private static func short(_ x: Double) -> String { x >= 100 ? "\(Int(x.rounded()))" : "\((x * 10).rounded() / 10)" }
}

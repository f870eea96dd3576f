import AviaryCore
import AviaryRuntime
import AviaryTensor

/// The same measurements on several backends, in turn within each repetition, printed side by side.
struct BenchComparison {
  let backends: [String]
  let test: SpeedTest
  let repetitions: Int

  /// - Throws: `.request` for fewer than two backends, or one named twice.
  init(_ words: String, _ test: SpeedTest, repetitions: Int) throws(AviaryError) {
    backends = words.split(separator: ",").map(String.init)
    guard backends.count > 1, Set(backends).count == backends.count else {
      throw AviaryError(.request, "--compare \(words)", wanted: "two or more backends with commas between, as cpu,vulkan")
    }
    self.test = test
    self.repetitions = repetitions
  }

  /// - Parameter load: loads the model on a backend.
  func run(_ settings: Settings, _ load: (Settings, any Backend) throws(AviaryError) -> LoadedModel) throws(AviaryError) {
    var models: [LoadedModel] = []
    for id in backends {
      var settings = settings
      settings.backend = id
      Console.progress("loading on \(id)")
      models.append(try load(settings, try settings.openBackend()))
    }
    var figures = [[SpeedTest.Figures]](repeating: [], count: models.count)
    for index in 0..<repetitions {
      for (place, model) in models.enumerated() {
        Console.progress("repetition \(index + 1) of \(repetitions) on \(backends[place])")
        figures[place].append(try test.run(model, kv: settings.kv))
      }
    }
    Console.clearProgress()
    Console.print(Table.text(rows(figures)))
    for (id, model) in zip(backends, models) { Console.print("\(id): \(model.backend.capabilities.deviceName)") }
  }

  /// A row for each phase; the last column is the last backend's speed as a multiple of the first one's.
  private func rows(_ figures: [[SpeedTest.Figures]]) -> [[String]] {
    func median(_ values: [Double]) -> Double { values.isEmpty ? 0 : values.sorted()[values.count / 2] }
    var rows = [["phase"] + backends + ["\(backends.last ?? "") / \(backends[0])"]]
    func add(_ name: String, _ rates: [Double], _ text: (Double) -> String) {
      guard let first = rates.first, let last = rates.last, first > 0 else { return }
      rows.append([name] + rates.map(text) + [Answer.rounded(last / first)])
    }
    add("encode", figures.map { median($0.compactMap(\.encode).map { $0 > 0 ? 1 / $0 : 0 }) }) { "\(Int((1000 / max($0, 1e-9)).rounded())) ms" }
    if test.promptTokens > 0 {
      add("prefill", figures.map { median($0.map { $0.prefill > 0 ? Double(test.promptTokens) / $0.prefill : 0 }) }) { "\(Answer.rounded($0)) tokens/s" }
    }
    if test.generatedTokens > 0 {
      add("decode", figures.map { median($0.map { $0.decode > 0 ? Double(test.generatedTokens) / $0.decode : 0 }) }) { "\(Answer.rounded($0)) tokens/s" }
    }
    return rows
  }
}

import AviaryCore
import AviaryFormats
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// Two published language models in GGUF files (scripts/real-models) against recorded runs: of llama.cpp, and of the
/// dequantised weights in float32.
@Suite(.serialized) struct RealModelTests {
  /// A model's file in the user's cache, and its records.
  struct Model: Sendable {
    let file: String
    let record: String

    static let smolLM = Model(file: "SmolLM2-135M-Instruct.Q4_1.gguf", record: "smollm2-135m-instruct-q4_1")
    static let gemma = Model(file: "gemma-3-270m-q4_k_m.gguf", record: "gemma-3-270m-q4_k_m")

    private static let folder: String = {
      let environment = ProcessInfo.processInfo.environment
      let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/nonexistent") + "/.cache"
      return environment["AVIARY_MODELS"] ?? cache + "/aviary/models"
    }()

    var path: String { Model.folder + "/" + file }
    /// The recorded runs of one kind, or nil where there are none.
    func recorded(_ ending: String) -> String? {
      let path = "\(Golden.folder)/real-llm/\(record)\(ending).json"
      return FileManager.default.fileExists(atPath: path) ? path : nil
    }
    var isHere: Bool { FileManager.default.fileExists(atPath: path) && recorded("") != nil }
  }

  @Test(.enabled(if: Model.smolLM.isHere, "scripts/real-models installs SmolLM2, ../shared/golden has its record"))
  func smolLM2AnswersAsRecorded() throws { try check(.smolLM) }

  @Test(.enabled(if: Model.gemma.isHere, "scripts/real-models installs Gemma 3, ../shared/golden has its record"))
  func gemma3AnswersAsRecorded() throws { try check(.gemma) }

  private func check(_ model: Model) throws {
    let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))
    func load(_ compute: DType?) throws -> LoadedModel {
      var options = BackendOptions()
      options.threads = 2
      options.compute = compute
      return try loader.load(model.path, on: Backends().open("cpu", options))
    }
    // llama.cpp rounds activations to eight bits: its choices count where they are clear. Eight steps of each run show it.
    let record = try #require(model.recorded(""))
    try repeats(load(nil), record, clear: 0.5, steps: 8, logits: nil)
    if let exact = model.recorded("-f32") { try repeats(load(.f32), exact, clear: 0.02, steps: 24, logits: 1e-2) }
  }

  /// - Parameters:
  ///   - clear: margins below end the comparison of a run.
  ///   - logits: how far the largest ones of the first step may be off; nil where both sides round activations, each in its way.
  private func repeats(_ loaded: LoadedModel, _ file: String, clear: Double, steps: Int, logits tolerance: Double?) throws {
    let record = try JSONParser.parse(file: file)
    let tokenizer = try #require(loaded.processor?.tokenizer)
    let cases = try #require(record["cases"]?.array)
    #expect(cases.count >= 12)
    let sequence = try TokenSequence(loaded, capacity: 2048)
    var compared = 0
    for item in cases {
      let ids = try #require(item["ids"]?.array?.compactMap { $0.int.map(Int32.init) })
      let prompt = try #require(item["prompt"]?.string)
      let full = item["full"]?.string ?? (item["kind"]?.string == "text" ? prompt : nil)
      if let full { #expect(try tokenizer.encode(MarkedText(trusted: full), addSpecial: true) == ids, "\(prompt)") }
      let greedy = try #require(item["greedy"]?.array?.compactMap { $0.int.map(Int32.init) })
      let margins = try #require(item["margins"]?.array?.compactMap { $0.double })
      var logits = try sequence.prefill(TokenizedPrompt(parts: [.tokens(ids)], inputIDs: ids, text: prompt), []).logits
      if let tolerance {
        for top in item["first_top5"]?.array ?? [] {
          let id = try #require(top.array?.first?.int)
          let value = try #require(top.array?.last?.double)
          #expect(abs(Double(logits[id]) - value) < tolerance, "\(prompt): token \(id)")
        }
      }
      for (step, wanted) in greedy.prefix(steps).enumerated() {
        guard step < margins.count, margins[step] >= clear else { break }
        let found = Int32(logits.indices.max { logits[$0] < logits[$1] } ?? 0)
        #expect(found == wanted, "\(prompt): step \(step)")
        compared += 1
        if found != wanted || step + 1 == min(greedy.count, steps) { break }
        try sequence.decode(wanted, into: &logits)
      }
    }
    #expect(compared > cases.count, "hardly a step was compared")
  }
}

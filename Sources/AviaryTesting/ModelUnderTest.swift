public import AviaryCore
@_exported public import AviaryRuntime
public import AviaryTensor

/// A checkpoint's folder, loaded for a test: asks it something, or holds it against its record.
public struct ModelUnderTest: Sendable {
  public let engine: Engine

  /// Loads a checkpoint.
  ///
  /// - Parameters:
  ///   - families: asked beside those of this build.
  ///   - backend: the `id` of one of this build's.
  /// - Throws: as opening a checkpoint does.
  public init(_ folder: String, for families: [any Architecture.Type] = [], on backend: String = "cpu") throws(AviaryError) {
    engine = try Engine(try Self.loader(families).load(folder, on: try Backends().open(backend, BackendOptions())), Engine.Options())
  }

  /// Opens checkpoints in no surroundings: no cache, no variables.
  public static func loader(_ families: [any Architecture.Type] = []) throws(AviaryError) -> ModelLoader {
    var loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))
    loader.architectures = try Modules().adding(architectures: families).architectures
    return loader
  }

  /// Asks a question about pictures; greedy, to the end or to `maxTokens`.
  public func answer(_ text: String, _ pictures: [PixelImage] = [], maxTokens: Int = 8) async throws -> GenerationResult {
    let parts: [ChatMessage.Part] = pictures.indices.map { .image($0) } + [.text(text)]
    var request = GenerationRequest(.chat([ChatMessage(.user, parts)]), images: pictures.map(engine.loaded.input))
    request.maxTokens = maxTokens
    var result = GenerationResult()
    for try await event in engine.generate(request) { if case .finished(let last) = event { result = last } }
    return result
  }

  /// A picture of noise.
  public static func picture(width: Int = 40, height: Int = 30, seed: Int = 1) -> PixelImage {
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 97 &+ ($0 >> 3) &* seed) }
    return PixelImage(width: width, height: height, channels: 3, pixels: pixels)
  }
}

/// Recorded runs of reference implementations as tests see them.
public enum Parity {
  /// Runs a golden case (docs/adding-a-model.md says how one is recorded) and says what does not hold: a line for each
  /// tensor or text outside of its tolerance. Nothing where all holds.
  ///
  /// - Throws: as opening the case and its checkpoint does.
  public static func failures(
    of folder: String, for families: [any Architecture.Type] = [], on backend: String = "cpu", tolerance: Double = 1e-3
  ) throws(AviaryError) -> [String] {
    var runner = GoldenRunner(try ModelUnderTest.loader(families))
    runner.tolerance = tolerance
    let report = try runner.run(GoldenCase(folder), on: try Backends().open(backend, BackendOptions())).report
    if report.rows.isEmpty { return ["nothing was compared: the record has no tensor of a known name"] }
    return report.rows.filter { !$0.passes }.map {
      "\($0.name) \($0.shape): relative error \(ParityReport.short($0.relative)), tolerance \(ParityReport.short($0.tolerance)) \($0.note)"
    }
  }
}

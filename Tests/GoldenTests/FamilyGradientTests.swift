import AviaryCore
import AviaryRuntime
import AviaryTensor
import AviaryTrain
import CoreTestSupport
import Testing

/// Every family trains: the gradient of all its weights says how the loss changes along it.
struct FamilyGradientTests {
  static let cases = [
    "llava-next-single", "yi-vl-single", "qwen-vl-chat-single", "deepseek-vl-hf-single", "minigpt4-single", "flamingo-mpt1b-single", "flamingo-idefics-single",
    "vary-toy-text",
  ].filter { Golden.has($0) }

  @Test(arguments: cases)
  func theGradientIsTheSlope(_ name: String) throws {
    var options = BackendOptions()
    options.threads = 2
    let loader = ModelLoader(Surroundings(environment: [:], home: "/nonexistent"))
    let loaded = try loader.load(
      try #require(Golden.find(name)) + "/model", on: try Backends().open("cpu", options), weights: WeightTypes(language: .f32, vision: .f32, adapter: .f32))
    let processor = try #require(loaded.processor)
    let seesPicture = !name.hasSuffix("text")
    let pixels = (0..<60 * 50 * 3).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ ($0 >> 5) &* 11) }
    let images = seesPicture ? [try processor.prepare(PixelImage(width: 60, height: 50, channels: 3, pixels: pixels))] : []
    let question = ChatMessage(.user, (seesPicture ? [.image(0)] : []) + [.text("What is this?")])
    let maker = SampleMaker(processor, limit: loaded.model.language.contextLength)
    let sample = try maker.sample(Conversation([question, ChatMessage(.assistant, "A small thing.")]), images)

    let all = loaded.weights.names.indices.filter { !loaded.weights.constants.contains($0) }
    let slots = try Trainer.reached(by: [sample], of: all, loaded)
    var plain = Trainer.Options()
    plain.optimizer = .sgd(.init())
    /// The loss after a step of that length along the gradient, and the gradient's norm.
    func after(_ rate: Double) throws -> (loss: Double, norm: Double) {
      let trainer = try Trainer(loaded, training: slots, plain)
      _ = try trainer.accumulate([sample], scale: 1)
      let norm = try trainer.update(rate: rate)
      return (try trainer.loss([sample]), norm)
    }
    let norm = try after(0).norm
    let rate = 1e-3 / norm
    let slope = (try after(-rate).loss - after(rate).loss) / (2 * rate)
    #expect(abs(slope / (norm * norm) - 1) < 0.02, "slope \(slope), gradient \(norm * norm), \(slots.count) of \(all.count) weights")
    #expect(slots.count > (seesPicture ? all.count / 2 : 10))
  }
}

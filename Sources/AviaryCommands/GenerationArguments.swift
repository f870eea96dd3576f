import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Flags that say how tokens are chosen and when to stop, as in llama.cpp and Hugging Face.
struct GenerationArguments: ParsableArguments {
  @Option(help: "Most tokens to generate (default: 512).")
  var maxTokens: Int?
  @Option(help: "Randomness; 0 is greedy (default: 0).")
  var temperature: Double?
  @Option(help: "Choose among the k most likely; 0 takes all.")
  var topK: Int?
  @Option(help: "Choose among the most likely that sum to this probability.")
  var topP: Double?
  @Option(help: "Drop what is less likely than this share of the most likely.")
  var minP: Double?
  @Option(help: "Above 1, tokens that occurred become less likely.")
  var repetitionPenalty: Double?
  @Option(help: "Seed of the random choice (default: 0).")
  var seed: UInt64?
  @Option(help: "Guess up to so many tokens ahead from what stands in the prompt; the answer is the same (default: 0).")
  var lookup: Int?
  @Option(help: ArgumentHelp("End at this text; may be given several times.", valueName: "text"))
  var stop: [String] = []
  @Option(help: "System text.")
  var system: String?
  @Option(help: ArgumentHelp("Prompt style for checkpoints that allow several (v1, llava_v1, ...).", valueName: "name"))
  var style: String?
  @Option(help: "Room for prompt and answer, in tokens (default: what is needed).")
  var context: Int?
  @Option(help: "Storage of keys and values: f32, f16, bf16 or q8_0.")
  var kv: String?

  /// Puts the flags that were given over the settings.
  func apply(to settings: inout Settings) throws(AviaryError) {
    let flags: [(String, [String]?)] = [
      ("max_tokens", maxTokens.map { ["\($0)"] }), ("temperature", temperature.map { ["\($0)"] }), ("top_k", topK.map { ["\($0)"] }),
      ("top_p", topP.map { ["\($0)"] }), ("min_p", minP.map { ["\($0)"] }), ("repetition_penalty", repetitionPenalty.map { ["\($0)"] }),
      ("seed", seed.map { ["\($0)"] }), ("lookup", lookup.map { ["\($0)"] }), ("stop", stop.isEmpty ? nil : stop), ("system", system.map { [$0] }), ("style", style.map { [$0] }),
      ("context", context.map { ["\($0)"] }), ("kv", kv.map { [$0] }),
    ]
    for (key, words) in flags {
      if let words { try settings.set(key, words, at: "--" + key.replacing("_", with: "-")) }
    }
  }
}

extension GenerationRequest {
  /// A request with the settings' choices.
  init(_ prompt: Prompt, images: [ImageInput], _ settings: Settings) {
    self.init(prompt, images: images)
    sampling.temperature = settings.temperature
    sampling.topK = settings.topK
    sampling.topP = settings.topP
    sampling.minP = settings.minP
    sampling.repetitionPenalty = settings.repetitionPenalty
    sampling.seed = settings.seed
    maxTokens = settings.maxTokens
    lookup = settings.lookup
    stop = settings.stop
    options = PromptOptions(system: settings.system, style: settings.style)
  }
}

import Architectures
import AviaryCore
import AviaryParts
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Testing

/// OpenFlamingo and IDEFICS: recorded runs, who sees which picture, and what is refused.
struct FlamingoTests {
  static let cases = Golden.cases("flamingo-") + component
  /// The resampler's case has no request.
  static let component = Golden.cases("flamingo-mpt1b-single").prefix(1).map { "\($0.dropLast("flamingo-mpt1b-single".count))flamingo-perceiver-video" }
  static let nowhere = Surroundings(environment: [:], home: "/nonexistent")

  @Test(.enabled(if: !cases.isEmpty), arguments: cases, ["cpu", "reference"])
  func aRecordedRunIsRepeated(folder: String, id: String) throws {
    let outcome = try GoldenRunner(ModelLoader(Self.nowhere)).run(GoldenCase(folder), on: Backends().open(id, BackendOptions()))
    for row in outcome.report.rows { #expect(row.passes, "\(row.name) is \(row.relative) off \(row.note)") }
    #expect(outcome.report.passes)
  }

  static func layouts(_ count: Int) -> [MediaLayout] { Array(repeating: MediaLayout(tokens: 64, imageWidth: 9, imageHeight: 9), count: count) }

  @Test func aTokenSeesTheLatestPictureAtOrBeforeIt() throws {
    let prompt = try PromptAssembly.attending("a<image>b<image><image>c", marker: "<image>", id: 3, Self.layouts(3), ByteTokenizer())
    #expect(prompt.sight == MediaSight(seen: [-1, 0, 0, 1, 2, 2], places: [1, 3, 4]))
    #expect(prompt.count == 6)
  }

  @Test func behindAnEndNoPictureIsSeenUntilTheNext() throws {
    let prompt = try PromptAssembly.attending("<image></s>a<image>b", marker: "<image>", id: 3, ends: [2], Self.layouts(2), ByteTokenizer())
    #expect(prompt.sight?.seen == [0, 0, -1, 1, 1])
  }

  @Test(arguments: [0, 1, 3]) func slotsAndPicturesAreCounted(_ count: Int) {
    expectError(.request, "\(count) pictures for 2 slots") {
      _ = try PromptAssembly.attending("<image><image>", marker: "<image>", id: 3, Self.layouts(count), ByteTokenizer())
    }
  }

  @Test func aTypedMarkerIsText() throws {
    let prompt = try PromptAssembly.attending(MarkedText(untrusted: "<image>"), marker: "<image>", id: 3, [], ByteTokenizer())
    #expect(prompt.sight?.places == [])
    #expect(prompt.count == 7)
  }

  static let decoder = #"{"model_type": "mpt", "d_model": 64, "n_heads": 2, "n_layers": 2}"#

  @Test func aMissingPartIsNamedWithItsRepository() throws {
    let alone = MemoryFolder("release", ["lm/config.json": Self.decoder])
    #expect(try Flamingo.recognises(alone))
    expectError(.file, "no folder lm", "anas-awadalla/mpt-1b-redpajama-200b", "Apache 2.0") { _ = try Flamingo.config(alone) }
    let blind = MemoryFolder("release", parts: ["lm": MemoryFolder("lm", ["config.json": Self.decoder])])
    expectError(.file, "no folder vision", "openai/clip-vit-large-patch14", "MIT") { _ = try Flamingo.config(blind) }
    let tower = MemoryFolder("vision", ["config.json": #"{"model_type": "clip_vision_model", "hidden_size": 64, "num_attention_heads": 2}"#])
    let untrained = MemoryFolder("release", parts: ["lm": MemoryFolder("lm", ["config.json": Self.decoder]), "vision": tower])
    expectError(.file, "no checkpoint.pt", "openflamingo/OpenFlamingo-3B-vitl-mpt1b") { _ = try Flamingo.config(untrained) }
  }

  @Test(arguments: [
    (#"{"model_type": "mpt", "d_model": 65, "n_heads": 2}"#, "d_model 65"),
    (#"{"model_type": "mpt", "attn_config": {"alibi": false}}"#, "alibi false"),
    (#"{"model_type": "mpt", "attn_config": {"clip_qkv": 8}}"#, "clip_qkv"),
    (#"{"model_type": "mpt", "logit_scale": 2}"#, "logit_scale"),
    (#"{"model_type": "mosaic_gpt", "alibi": true, "embedding_fraction": 0.5}"#, "embedding_fraction"),
    (#"{"model_type": "gpt_neox", "hidden_size": 64, "num_attention_heads": 3}"#, "hidden_size 64"),
    (#"{"model_type": "gpt_neox", "rope_scaling": {"type": "linear"}}"#, "rope_scaling"),
    (#"{"model_type": "opt"}"#, "opt"),
    ("{}", "no such key"),
  ])
  func aDecoderThatCannotBeRightIsRefused(_ text: String, _ named: String) {
    expectError(.config, named) { _ = try DecoderConfig(config(text)) }
  }

  @Test(arguments: [
    (#"{"model_type": "idefics"}"#, "vision_config"),
    (#"{"model_type": "idefics", "use_resampler": false, "vision_config": {"model_type": "idefics"}, "perceiver_config": {}}"#, "use_resampler"),
    (#"{"model_type": "idefics", "alpha_type": "matrix", "vision_config": {"model_type": "idefics"}, "perceiver_config": {}}"#, "alpha_type"),
    (#"{"model_type": "idefics", "cross_layer_interval": 0, "vision_config": {"model_type": "idefics"}, "perceiver_config": {}}"#, "cross_layer_interval"),
  ])
  func anIDEFICSThatCannotBeRightIsRefused(_ text: String, _ named: String) {
    expectError(.config, named) { _ = try IDEFICS.config(MemoryFolder("idefics", ["config.json": text])) }
  }
}

import AviaryCore
import AviaryTensor
import CoreTestSupport
import Testing

/// The spellings in which one and the same checkpoint is saved: what they compute is equal to the last bit.
struct LayoutVariantTests {
  static func plain(_ name: String) throws -> Variant.Outputs { try Variant(of: name).run() }

  @Test(arguments: ["llava-hf-single", "llava-next-odd", "llava-orig-single", "yi-vl-single"]) func shardsAndOneFileAreTheSame(name: String) throws {
    let folder = try #require(Golden.find(name))
    let outputs = try Self.plain(name)
    #expect(try outputs == Variant.run(folder + "/model"))
    #expect(outputs.logits.allSatisfy { $0.isFinite })
  }

  /// Newer versions save everything below `model.`, with and without the tower's `vision_model` level.
  @Test(arguments: ["llava-hf-single", "llava-next-odd"], ["model.vision_tower.", "model.vision_tower.vision_model.", "vision_tower."])
  func newerNamesAreRead(name: String, tower: String) throws {
    let variant = try Variant(of: name)
    variant.rename { stored in
      for (old, new) in [
        ("vision_tower.vision_model.", tower), ("language_model.model.", "model.language_model."), ("language_model.lm_head.", "lm_head."),
        ("multi_modal_projector.", "model.multi_modal_projector."), ("image_newline", "model.image_newline"),
      ] where stored.hasPrefix(old) { return new + stored.dropFirst(old.count) }
      return stored
    }
    #expect(try variant.run() == Self.plain(name))
  }

  /// What never runs need not be there.
  @Test func theLastLayerOfTheTowerMayBeMissing() throws {
    let variant = try Variant(of: "llava-hf-single")
    variant.rename { $0.contains("vision_model.encoder.layers.2.") || $0.contains("post_layernorm") ? nil : $0 }
    #expect(try variant.run() == Self.plain("llava-hf-single"))
    // One that runs must.
    variant.rename { $0.contains("vision_model.encoder.layers.1.mlp.fc1.bias") ? nil : $0 }
    expectError(.weights, "1 tensors missing", "vision_model.encoder.layers.1.mlp.fc1.bias: missing, wanted [128]") { _ = try variant.run() }
  }

  @Test(arguments: [JSONValue.array([.int(-2)]), .int(2), .array([.int(2)]), .double(-2)]) func oneLayerHasSeveralSpellings(layer: JSONValue) throws {
    let variant = try Variant(of: "llava-hf-single")
    variant.set("vision_feature_layer", to: layer)
    #expect(try variant.run() == Self.plain("llava-hf-single"))
  }

  @Test(arguments: [0, -1, 1, -3, -4]) func otherLayersRunAndDiffer(layer: Int) throws {
    let variant = try Variant(of: "llava-hf-single")
    variant.set("vision_feature_layer", to: .int(layer))
    let (outputs, plain) = (try variant.run(), try Self.plain("llava-hf-single"))
    #expect(outputs.rows.count == plain.rows.count)
    #expect(outputs.rows != plain.rows)
    #expect(outputs.logits.allSatisfy { $0.isFinite })
  }

  /// Two layers side by side; a projector whose columns for the second are zero sees the first alone.
  @Test func layersAreJoinedChannelByChannel() throws {
    let variant = try Variant(of: "llava-hf-single")
    variant.set("vision_feature_layer", to: .array([.int(-2), .int(0)]))
    expectError(.weights, "multi_modal_projector.linear_1.weight: [64, 64], wanted [64, 128]") { _ = try variant.run() }
    let weight = try variant.values("multi_modal_projector.linear_1.weight")
    let (out, input) = (weight.shape[0], weight.shape[1])
    let wide = (0..<out).flatMap { weight.values[$0 * input..<($0 + 1) * input] + [Float](repeating: 0, count: input) }
    try variant.put("multi_modal_projector.linear_1.weight", [out, 2 * input], wide)
    let (outputs, plain) = (try variant.run(), try Self.plain("llava-hf-single"))
    #expect(zip(outputs.rows, plain.rows).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    #expect(outputs.rows.count == plain.rows.count)
  }

  @Test func theFullStrategyKeepsTheClassToken() throws {
    let variant = try Variant(of: "llava-hf-single")
    variant.set("vision_feature_select_strategy", to: .string("full"))
    let (outputs, plain) = (try variant.run(), try Self.plain("llava-hf-single"))
    #expect(outputs.rows.count == plain.rows.count + 64)
    #expect(Array(outputs.rows.dropFirst(64)) == plain.rows)
    #expect(outputs.ids.count == plain.ids.count + 1)
  }

  /// Tuned towers in the main files win over the folder, which may then hold no weights at all.
  @Test(arguments: [("llava-orig-single", "openai/clip-vit-large-patch14-336"), ("yi-vl-single", "model/vit/clip-vit-H-14-laion2B-s32B-b79K-yi-vl-6B-448")])
  func aTowerInTheMainFilesIsTaken(name: String, tower: String) throws {
    let variant = try Variant(of: name)
    try variant.takeIn(tower: tower, prefix: "model.vision_tower.vision_tower.")
    #expect(try variant.run() == Self.plain(name))
    let token = "model.vision_tower.vision_tower.vision_model.embeddings.class_embedding"
    let width = try variant.values(token).shape[0]
    try variant.put(token, [width], [Float](repeating: 3, count: width))
    #expect(try variant.run().rows != Self.plain(name).rows)
  }

  @Test(arguments: [true, false]) func tiedEmbeddingsAreAHeadThatIsTheTable(keepsHead: Bool) throws {
    let table = "language_model.model.embed_tokens.weight"
    let head = "language_model.lm_head.weight"
    let written = try Variant(of: "llava-hf-single")
    let rows = try written.values(table)
    try written.put(head, rows.shape, rows.values)
    let tied = try Variant(of: "llava-hf-single")
    tied.set("text_config", "tie_word_embeddings", to: .bool(true))
    if !keepsHead { tied.rename { $0 == head ? nil : $0 } }
    #expect(try tied.run() == written.run())
    #expect(try tied.run().logits != Self.plain("llava-hf-single").logits)
  }

  @Test(arguments: ["rope_parameters", "rope_scaling"]) func rotaryBasesMayBeNested(key: String) throws {
    let flat = try Variant(of: "llava-hf-single")
    flat.set("text_config", "rope_theta", to: .double(500))
    let nested = try Variant(of: "llava-hf-single")
    nested.set("text_config", key, "rope_theta", to: .double(500))
    nested.set("text_config", key, "rope_type", to: .string("default"))
    #expect(try flat.run() == nested.run())
    #expect(try flat.run().logits != Self.plain("llava-hf-single").logits)
  }

  @Test func whatAModelDoesNotKnowIsOneErrorWithAllNames() throws {
    let variant = try Variant(of: "llava-hf-single")
    try variant.put("language_model.model.layers.0.self_attn.q_proj.lora_A", [1, 1], [0])
    try variant.put("visual_abstractor.query", [2], [0, 0])
    variant.rename { $0.hasSuffix("norm.weight") && $0.hasPrefix("language_model.model.norm") ? nil : $0 }
    expectError(
      .weights, "1 tensors missing or of another shape, 2 that the model does not know", "lora_A: not used by this model", "visual_abstractor.query: not used",
      "language_model.model.norm.weight: missing, wanted [64]"
    ) { _ = try variant.run() }
  }

  /// The projector of another model: both widths are in the error, and nothing runs.
  @Test func aProjectorOfAnotherModelIsNamed() throws {
    let variant = try Variant(of: "llava-hf-single")
    try variant.put("multi_modal_projector.linear_2.weight", [48, 64], [Float](repeating: 0, count: 48 * 64))
    try variant.put("multi_modal_projector.linear_2.bias", [48], [Float](repeating: 0, count: 48))
    expectError(.weights, "multi_modal_projector.linear_2.weight: [48, 64], wanted [64, 64]", "multi_modal_projector.linear_2.bias: [48], wanted [64]") { _ = try variant.run() }
  }

  /// Numbers that are none in the weights end in an error, not in an answer.
  @Test func weightsThatAreNoNumbersAreAnError() throws {
    let variant = try Variant(of: "llava-hf-single")
    try variant.put("language_model.model.norm.weight", [64], [Float](repeating: .nan, count: 64))
    var logits = try variant.run().logits
    var sampler = Sampler(Sampling())
    expectError(.numeric, "logit 0", "nan", "finite logits") { _ = try sampler.next(&logits, history: []) }
  }
}

import Architectures
import AviaryCore
import AviaryParts
import AviaryTensor
import CoreTestSupport
import Testing

/// How the LLaVA families read configurations.
struct FamilyConfigTests {
  static let vision = #""vision_config": {"hidden_size": 8, "num_hidden_layers": 3, "num_attention_heads": 2, "image_size": 28, "patch_size": 14}"#
  static let text = #""text_config": {"hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}"#

  static func huggingFace(_ more: String = "") throws -> LLaVA.Config {
    try LLaVA.config(MemoryFolder("hf", ["config.json": "{\"model_type\": \"llava\", \(vision), \(text)\(more.isEmpty ? "" : ", " + more)}"]))
  }

  static func original(_ more: String = "", tower: String = "{\(vision)}") throws -> OriginalLayout {
    let flat = #"{"model_type": "llava", "hidden_size": 16, "num_attention_heads": 2, "mm_vision_tower": "org/tower""#
    return try OriginalLayout(
      MemoryFolder("orig", ["config.json": flat + (more.isEmpty ? "" : ", " + more) + "}"], parts: ["org/tower": MemoryFolder("tower", ["config.json": tower])]))
  }

  @Test(arguments: [
    (#"{"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"]}"#, "llava"), (#"{"model_type": "llava_next"}"#, "llava"),
    (#"{"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava", "mm_projector_type": "mlp2x_gelu"}"#, "llava"),
    (#"{"architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava", "mm_projector_type": "mlp2x_gelu_Norm"}"#, "yi-vl"), (#"{"model_type": "llava_mistral"}"#, "llava"),
    (#"{"model_type": "bert"}"#, "none"), ("{}", "none"), (#"{"model_type": "Llava"}"#, "none"),
  ]) func familiesAreToldApartByTheirMarkers(text: String, family: String) throws {
    let c = try config(text)
    let claims: [any Architecture.Type] = [LLaVA.self, YiVL.self]
    let found = try claims.filter { try $0.recognises(c) }.map { $0.id }
    #expect(found == (family == "none" ? [] : [family]))
  }

  @Test func featureLayersMayBeOneOrAList() throws {
    #expect(try Self.huggingFace().features.indices == [2])
    #expect(try Self.huggingFace(#""vision_feature_layer": -1"#).features.indices == [3])
    #expect(try Self.huggingFace(#""vision_feature_layer": [-2, 0]"#).features.indices == [2, 0])
    #expect(try Self.huggingFace(#""vision_feature_select_strategy": "full""#).features.keepsClassToken)
    expectError(.config, "feature layer -999", "-4...3", "vision_feature_layer") { _ = try Self.huggingFace(#""vision_feature_layer": -999"#) }
    expectError(.config, #"the string "last""#, "a layer's number") { _ = try Self.huggingFace(#""vision_feature_layer": "last""#) }
    expectError(.config, "no feature layer") { _ = try Self.huggingFace(#""vision_feature_layer": []"#) }
    expectError(.config, "vision_feature_select_strategy", "cls", "default, full") { _ = try Self.huggingFace(#""vision_feature_select_strategy": "cls""#) }
  }

  @Test func newlinesBelongToTiles() throws {
    #expect(try Self.huggingFace().gridPinpoints == nil)
    #expect(try !Self.huggingFace().hasNewline)
    let next = try LLaVA.config(MemoryFolder("next", ["config.json": "{\"model_type\": \"llava_next\", \(Self.vision), \(Self.text)}"]))
    #expect(next.hasNewline)
    #expect(next.gridPinpoints == [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]])
  }

  @Test func whatIsMissingOrForeignIsNamed() throws {
    expectError(.config, "neither vision_config and text_config nor mm_vision_tower") { _ = try LLaVA.config(MemoryFolder("x", ["config.json": "{}"])) }
    expectError(.file, "x: no config.json") { _ = try LLaVA.config(MemoryFolder("x")) }
    expectError(.config, #""gpt2""#, "llama, mistral, qwen, mpt", "text_config.model_type") {
      _ = try LLaVA.config(MemoryFolder("x", ["config.json": #"{"vision_config": {}, "text_config": {"model_type": "gpt2"}}"#]))
    }
    expectError(.config, "config.json: text_config.hidden_size", #"the string "big""#) {
      _ = try LLaVA.config(MemoryFolder("x", ["config.json": #"{"vision_config": {}, "text_config": {"hidden_size": "big"}}"#]))
    }
    expectError(.config, "image_token_index", "-1") { _ = try Self.huggingFace(#""image_token_index": -1"#) }
    expectError(.config, "config.json: vision_config.patch_size") {
      _ = try LLaVA.config(MemoryFolder("x", ["config.json": #"{"vision_config": {"patch_size": 0}, "text_config": {}}"#]))
    }
  }

  @Test func theOriginalLayoutReadsTheTowersConfiguration() throws {
    let c = try Self.original(#""mm_hidden_size": 8, "mm_vision_select_feature": "cls_patch", "mm_projector_type": "linear""#)
    #expect(c.vision.hiddenSize == 8)
    #expect(c.features.indices == [2])
    #expect(c.features.keepsClassToken)
    // A configuration that is the tower's alone, as Yi-VL's.
    #expect(try Self.original(tower: #"{"model_type": "clip_vision_model", "hidden_size": 24, "num_attention_heads": 2}"#).vision.hiddenSize == 24)
    expectError(.config, "mm_hidden_size 9", "8, the tower's hidden_size") { _ = try Self.original(#""mm_hidden_size": 9"#) }
    expectError(.config, "feature layer -999", "mm_vision_select_layer") { _ = try Self.original(#""mm_vision_select_layer": -999"#) }
    expectError(.config, "mm_vision_select_feature", "cls", "patch, cls_patch") { _ = try Self.original(#""mm_vision_select_feature": "cls""#) }
    expectError(.config, "siglip_vision_model", "clip_vision_model") { _ = try Self.original(tower: #"{"model_type": "siglip_vision_model"}"#) }
    expectError(.file, "no part org/tower") { _ = try OriginalLayout(MemoryFolder("x", ["config.json": #"{"mm_vision_tower": "org/tower"}"#])) }
    #expect(try Self.original(#""mm_patch_merge_type": "spatial_unpad""#).unpads)
    #expect(try !Self.original(#""mm_patch_merge_type": "spatial""#).unpads)
  }

  @Test func aProjectorThatNobodyPublishedIsNamed() throws {
    let c = try Self.original(#""mm_projector_type": "qformer""#)
    expectError(.config, "projector type qformer", "mlp2x_gelu_Norm", "mm_projector_type") {
      _ = try Weights.load(.random(.f32, seed: 1), on: Reference()) { (w) throws(AviaryError) in try c.projector(w) }
    }
  }

  /// trust, A 36: the weights' error names the tensor and both widths.
  @Test func aProjectorOfAnotherWidthIsNamed() throws {
    var source = MemoryWeights()
    for (name, shape) in [("linear_1.weight", [12, 8]), ("linear_1.bias", [12]), ("linear_2.weight", [12, 12]), ("linear_2.bias", [12])] as [(String, Shape)] {
      try source.add("multi_modal_projector." + name, shape, [Float](repeating: 0, count: shape.elements))
    }
    let c = try Self.huggingFace()
    expectError(.weights, "multi_modal_projector.linear_1.weight: [12, 8], wanted [16, 8]", "multi_modal_projector.linear_2.weight: [12, 12], wanted [16, 16]") {
      _ = try Weights.load(.checkpoint(source, NameMap()), on: Reference()) { (w) throws(AviaryError) in
        try MLPProjector(w["multi_modal_projector"], c.vision.hiddenSize, c.text.width, [.linear("linear_1"), .linear("linear_2")])
      }
    }
  }

  static let pinpoints: [(String, [String])] = [
    (#"[[336]]"#, ["an array of 1", "a pair of sizes"]), (#"[[336, 672, 1]]"#, ["an array of 3"]), (#"[336, 672]"#, ["the number 336"]), (#"[[336, "672"]]"#, ["a pair of sizes"]),
    (#"[[0, 336]]"#, ["a pair of sizes"]), (#"[[336, -1]]"#, ["a pair of sizes"]), (#"[[336, 1e9]]"#, ["a pair of sizes"]), (#"[[]]"#, ["an array of 0"]),
    (#"[null]"#, ["null"]), (#""(1x1),...,(6x6)""#, ["an array"]), (#"[[1.5, 2]]"#, ["a pair of sizes"]),
  ]

  @Test(arguments: pinpoints.indices) func pinpointsThatAreNoPairsAreNamed(_ index: Int) throws {
    let (text, parts) = Self.pinpoints[index]
    let c = try config("{\"image_grid_pinpoints\": \(text)}")
    do {
      _ = try GridPinpoints.read(c)
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.kind == .config)
      for part in parts + ["config.json: image_grid_pinpoints"] { #expect(error.description.contains(part), "\(error)") }
    }
  }

  @Test func tooManyPinpointsAreAnError() throws {
    let c = try config("{\"image_grid_pinpoints\": [\((0..<1025).map { _ in "[1, 1]" }.joined(separator: ","))]}")
    expectError(.config, "an array of 1025", "at most 1024") { _ = try GridPinpoints.read(c) }
    #expect(try GridPinpoints.read(config("{}")) == [])
    #expect(try GridPinpoints.read(config(#"{"image_grid_pinpoints": [[2, 3.0]]}"#)) == [[2, 3]])
  }
}

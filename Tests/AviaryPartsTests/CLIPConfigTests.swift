import AviaryCore
import AviaryParts
import AviaryTensor
import CoreTestSupport
import Testing

struct CLIPConfigTests {
  @Test func defaultsAreHuggingFaces() throws {
    let clip = try CLIPConfig(config("{}"))
    #expect((clip.hiddenSize, clip.intermediateSize, clip.layers, clip.heads) == (768, 3072, 12, 12))
    #expect((clip.patchSize, clip.imageSize, clip.grid) == (32, 224, 7))
    #expect(clip.epsilon == 1e-5)
    #expect(clip.activation == .quickGelu)
  }

  static let hostile: [(String, [String])] = [
    (#"{"patch_size": 0}"#, ["config.json: patch_size", "0", "1...1024"]),
    (#"{"patch_size": -14}"#, ["patch_size", "-14"]),
    (#"{"patch_size": 32, "image_size": 16}"#, ["patch_size 32", "image_size 16"]),
    (#"{"image_size": 1048576}"#, ["image_size", "1048576", "1...4096"]),
    (#"{"image_size": [336, 336]}"#, ["image_size", "an array of 2"]),
    (#"{"hidden_size": 100, "num_attention_heads": 7}"#, ["hidden_size 100", "num_attention_heads 7"]),
    (#"{"num_attention_heads": 0}"#, ["num_attention_heads", "0"]),
    (#"{"num_hidden_layers": 2147483648}"#, ["num_hidden_layers", "2147483648"]),
    (#"{"layer_norm_eps": 2}"#, ["layer_norm_eps", "2"]),
    (#"{"hidden_act": "xielu"}"#, ["hidden_act", "xielu", "quick_gelu"]),
    (#"{"model_type": "siglip_vision_model"}"#, ["model_type", "siglip_vision_model", "clip_vision_model"]),
  ]

  @Test(arguments: hostile.indices) func whatCannotBeRightIsNamed(_ index: Int) throws {
    let (text, parts) = Self.hostile[index]
    let c = try config(text)
    do {
      _ = try CLIPConfig(c)
      Issue.record("no error for \(text)")
    } catch {
      #expect(error.kind == .config)
      for part in parts { #expect(error.description.contains(part), "\(error)") }
    }
  }

  /// A picture that is no multiple of the patch loses its last rows and columns, as a convolution does.
  @Test func theGridIsRoundedDown() throws {
    #expect(try CLIPConfig(config(#"{"image_size": 30, "patch_size": 14}"#)).grid == 2)
    #expect(try CLIPConfig(config(#"{"image_size": 14, "patch_size": 14}"#)).grid == 1)
  }
}

struct FeatureLayersTests {
  @Test func layersCountFromBothEnds() throws {
    func indices(_ layers: [Int]) throws -> [Int] { try FeatureLayers(layers, of: 24, keepsClassToken: false, at: "x").indices }
    #expect(try indices([-2]) == [23])
    #expect(try indices([-1]) == [24])
    #expect(try indices([0]) == [0])
    #expect(try indices([24]) == [24])
    #expect(try indices([-25]) == [0])
    #expect(try indices([-2, -5, 3]) == [23, 20, 3])
  }

  @Test(arguments: [-999, 25, -26, .max, .min]) func aLayerThatIsNotThereIsAnError(layer: Int) {
    expectError(.config, "feature layer \(layer)", "-25...24", "a tower of 24 layers", "config.json: vision_feature_layer") {
      _ = try FeatureLayers([layer], of: 24, keepsClassToken: false, at: "config.json: vision_feature_layer")
    }
  }

  @Test func noLayerIsAnError() {
    expectError(.config, "no feature layer", "at least one") { _ = try FeatureLayers([], of: 24, keepsClassToken: false, at: "x") }
  }

  @Test func whatNeverRunsIsNotRead() throws {
    let clip = try CLIPConfig(config(#"{"num_hidden_layers": 4}"#))
    let map = try NameMap(ClipNames.unused(below: "v.", clip, FeatureLayers([-2], of: 4, keepsClassToken: false, at: "x")))
    #expect(map.canonical("v.post_layernorm.weight") == nil)
    #expect(map.canonical("v.encoder.layers.3.mlp.fc1.weight") == nil)
    #expect(map.canonical("v.encoder.layers.2.mlp.fc1.weight") != nil)
    #expect(map.canonical("v.encoder.layers.30.mlp.fc1.weight") != nil)
    let all = try NameMap(ClipNames.unused(below: "v.", clip, FeatureLayers([-1], of: 4, keepsClassToken: false, at: "x")))
    #expect(all.canonical("v.encoder.layers.3.mlp.fc1.weight") != nil)
  }
}

public import AviaryCore

/// Names of a CLIP tower's tensors.
public enum ClipNames {
  /// Rules for what a model that stops at a feature layer never reads: the last layers and the final norm.
  public static func unused(below scope: String, _ config: CLIPConfig, _ features: FeatureLayers) -> [NameMap.Rule] {
    let last = features.indices.max() ?? 0
    return [.ignorePrefix(scope + "post_layernorm.")]
      + (last..<max(last, config.layers)).map { .ignorePrefix("\(scope)encoder.layers.\($0).") }
  }

  /// Rules from the names of OpenAI's and open_clip's files to those of Hugging Face. The text half is ignored, as is
  /// what stands behind the last layer.
  public static func openCLIP(_ config: CLIPConfig) -> [NameMap.Rule] {
    var rules: [NameMap.Rule] = [
      .exact("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
      .exact("visual.class_embedding", "vision_model.embeddings.class_embedding"),
      .exact("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
      .prefix("visual.ln_pre.", "vision_model.pre_layrnorm."), .ignorePrefix("visual.ln_post."), .ignorePrefix("visual.proj"),
      .ignorePrefix("transformer."), .ignorePrefix("token_embedding."), .ignorePrefix("positional_embedding"),
      .ignorePrefix("ln_final."), .ignorePrefix("text_projection"), .ignorePrefix("logit_"),
    ]
    for layer in 0..<config.layers {
      let (from, to) = ("visual.transformer.resblocks.\(layer).", "vision_model.encoder.layers.\(layer).")
      rules += [
        .exact(from + "attn.in_proj_weight", to + "self_attn.in_proj.weight"), .exact(from + "attn.in_proj_bias", to + "self_attn.in_proj.bias"),
        .prefix(from + "attn.out_proj.", to + "self_attn.out_proj."), .prefix(from + "ln_1.", to + "layer_norm1."),
        .prefix(from + "ln_2.", to + "layer_norm2."), .prefix(from + "mlp.c_fc.", to + "mlp.fc1."), .prefix(from + "mlp.c_proj.", to + "mlp.fc2."),
      ]
    }
    return rules
  }

  /// The rules for a tower in a folder of its own, in whichever of the published namings its tensors are.
  ///
  /// - Parameter names: of the folder's tensors; open_clip's begin with `visual.`.
  public static func tower(_ names: [String], _ config: CLIPConfig, _ features: FeatureLayers) -> NameMap {
    var rules: [NameMap.Rule]
    if isOpenCLIP(names) {
      rules = (last(features)..<max(last(features), config.layers)).map { NameMap.Rule.ignorePrefix("visual.transformer.resblocks.\($0).") }
      rules += openCLIP(config)
    } else {
      rules = unused(below: "vision_model.", config, features)
      rules += [
        .ignorePrefix("text_model."), .ignorePrefix("visual_projection."), .ignorePrefix("text_projection."), .ignorePrefix("logit_scale"),
        .ignoreSuffix("position_ids"),
      ]
    }
    return NameMap(rules)
  }

  /// Whether a file has OpenAI's names, and with them queries, keys and values in one matrix.
  public static func isOpenCLIP(_ names: [String]) -> Bool { names.contains { $0.hasPrefix("visual.") } }

  private static func last(_ features: FeatureLayers) -> Int { features.indices.max() ?? 0 }
}

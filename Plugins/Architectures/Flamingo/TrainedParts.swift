import AviaryCore
public import AviaryParts
import AviaryTensor

extension Flamingo {
  /// What `checkpoint.pt` holds: the resampler, the gated blocks, the tables of embeddings. Nothing but its tensors says
  /// how many there are of each.
  public struct TrainedParts: Sendable {
    public var perceiver: PerceiverConfig
    /// Every so many layers of the decoder have a block in front.
    public var interval: Int
    /// Heads of the blocks.
    public var heads: Int
    /// Rows of the trained tables; nil where the checkpoint has none.
    public var vocabularySize: Int?

    /// Channels of a head, everywhere.
    static let head = 64

    /// Reads the sizes off the tensors.
    ///
    /// - Throws: `.weights` where they make no sense.
    init(_ checkpoint: any WeightSource, _ text: DecoderConfig) throws(AviaryError) {
      let source = Self.renamed(checkpoint, text)
      perceiver = try Self.perceiver(source)
      let blocks = Set(Self.indices(source, below: "blocks."))
      let expected = blocks.min().map { first in Set((0..<text.layers).filter { ($0 + 1) % (first + 1) == 0 }) }
      guard let first = blocks.min(), blocks == expected else {
        throw AviaryError(
          .weights, "gated blocks in front of the layers \(blocks.sorted())", wanted: "one in front of every n-th of the decoder's \(text.layers)",
          at: checkpoint.summary)
      }
      interval = first + 1
      heads = try Self.heads(source, "blocks.\(first).attn.to_q.weight")
      vocabularySize = try source.tensor("language_model." + text.tables[0])?.shape.dims.first
    }

    /// Reads the sizes from a manifest's `config.json`; nil where it does not say them.
    init?(declaredBy folder: any ModelFolder, _ text: DecoderConfig, visionWidth: Int) throws(AviaryError) {
      guard let c = try folder.optionalConfig("config.json"), c.has("cross_attn_every_n_layers") else { return nil }
      interval = try c.int("cross_attn_every_n_layers", in: 1...1024)
      heads = try c.int("cross_attn_heads", default: 8, in: 1...1024)
      vocabularySize = try c.optionalInt("vocab_size", in: 1...4_194_304)
      perceiver = PerceiverConfig(
        width: visionWidth, latents: try c.int("perceiver_latents", default: 64, in: 1...65_536),
        depth: try c.int("perceiver_depth", default: 6, in: 1...256), heads: try c.int("perceiver_heads", default: 8, in: 1...1024), head: Self.head,
        form: .openFlamingo)
    }

    static func isRelease(_ source: any WeightSource) -> Bool { source.names.contains { $0.hasSuffix(marker) } }

    private static let marker = "perceiver.latents"

    static func perceiver(_ source: RenamedSource) throws(AviaryError) -> PerceiverConfig {
      guard let latents = try source.tensor(marker)?.shape, latents.count == 2, latents[0] > 0, latents[1] > 0 else {
        throw AviaryError(.weights, "no \(marker) of two axes", wanted: "OpenFlamingo's checkpoint.pt", at: source.summary)
      }
      let depth = Set(indices(source, below: "perceiver.layers.")).count
      return PerceiverConfig(
        width: latents[1], latents: latents[0], depth: depth, heads: try heads(source, "perceiver.layers.0.0.to_q.weight"), head: head, form: .openFlamingo)
    }

    private static func heads(_ source: RenamedSource, _ name: String) throws(AviaryError) -> Int {
      let rows = try source.tensor(name)?.shape.dims.first ?? 0
      guard rows > 0, rows % head == 0 else {
        throw AviaryError(.weights, "\(name) has \(rows) rows", wanted: "a multiple of the head size \(head)", at: source.summary)
      }
      return rows / head
    }

    /// The numbers behind a prefix, each once per tensor.
    private static func indices(_ source: RenamedSource, below prefix: String) -> [Int] {
      source.names.compactMap { name in
        name.hasPrefix(prefix) ? Int(name.dropFirst(prefix.count).prefix { $0 != "." }) : nil
      }
    }

    /// The checkpoint under our names. Training scripts wrap theirs (`model_state_dict`, `module.`); blocks stand in one
    /// or two places; whatever else is there belongs to frozen parts or to the optimiser.
    static func renamed(_ source: any WeightSource, _ text: DecoderConfig?) -> RenamedSource {
      let wrap = source.names.first { $0.hasSuffix(marker) }.map { String($0.dropLast(marker.count)) } ?? ""
      var rules: [NameMap.Rule] = unusedLanguageRules + [.prefix(wrap + "perceiver.", "perceiver.")]
      if let text {
        let language = wrap + "lang_encoder."
        for layer in 0..<text.layers {
          let inner = "\(text.layersScope).\(layer)."
          rules += [
            .prefix("\(language)\(inner)gated_cross_attn_layer.", "blocks.\(layer)."),
            .prefix("\(language)gated_cross_attn_layers.\(layer).", "blocks.\(layer)."),
            .prefix("\(language)\(inner)decoder_layer.", "language_model.\(inner)"),
            .prefix("\(language)old_decoder_blocks.\(layer).", "language_model.\(inner)"),
          ]
        }
        rules += text.tables.map { NameMap.Rule.exact(language + $0, "language_model." + $0) }
      }
      return RenamedSource(source, NameMap(rules + [.ignorePrefix("")]))
    }

    /// Buffers that old versions of transformers saved.
    static let unusedLanguageRules: [NameMap.Rule] = [
      .ignoreSuffix("rotary_emb.inv_freq"), .ignoreSuffix(".attention.bias"), .ignoreSuffix(".attention.masked_bias"),
    ]
  }
}

public import AviaryCore
public import AviaryTensor

/// The adapters that a configuration may name, for models that are put together by configuration alone.
public enum AdapterConfig: Sendable, Hashable {
  case linear
  case mlp
  /// Qwen-VL's, with so many queries along the side of their square.
  case resampler(side: Int)
  /// Flamingo's, and a linear layer behind it.
  case perceiver(latents: Int, depth: Int, heads: Int, head: Int)

  private enum Kind { case linear, mlp, resampler, perceiver }

  /// `type` names the adapter; the resamplers also read `queries`, the Perceiver `depth`, `heads` and `head_dim`.
  ///
  /// - Throws: `.config` that lists the known types, or with the key path of what cannot be right.
  public init(_ c: ConfigReader) throws(AviaryError) {
    let kind: Kind = try c.choice("type", of: [("linear", .linear), ("mlp", .mlp), ("resampler", .resampler), ("perceiver", .perceiver)])
    switch kind {
    case .linear: self = .linear
    case .mlp: self = .mlp
    case .resampler:
      let queries = try c.int("queries", default: 256, in: 1...65_536)
      let side = Int(Double(queries).squareRoot().rounded())
      guard side * side == queries else {
        throw AviaryError(.config, "\(queries) queries", wanted: "a square number", at: "\(c.place): queries")
      }
      self = .resampler(side: side)
    case .perceiver:
      self = .perceiver(
        latents: try c.int("queries", default: 64, in: 1...65_536), depth: try c.int("depth", default: 6, in: 1...256),
        heads: try c.int("heads", default: 8, in: 1...1024), head: try c.int("head_dim", default: 64, in: 1...4096))
    }
  }

  /// Rows that a picture becomes behind an encoder.
  public func tokens(_ encoder: EncoderConfig) -> Int {
    switch self {
    case .linear, .mlp: encoder.tokens
    case .resampler(let side): side * side
    case .perceiver(let latents, _, _, _): latents
    }
  }

  /// - Parameters:
  ///   - width: channels of the features.
  ///   - output: channels of the language model.
  /// - Throws: `.config` where the three parts do not go together; what the weights throw.
  public func model(_ w: Weights, _ encoder: EncoderConfig, width: Int, output: Int) throws(AviaryError) -> AdapterChain {
    switch self {
    case .linear: return AdapterChain([try MLPProjector(w, width, output, [.linear("")])])
    case .mlp: return AdapterChain([try MLPProjector(w, width, output, [.linear("linear_1"), .activation(.gelu), .linear("linear_2")])])
    case .resampler(let side):
      guard encoder.tokens == encoder.grid * encoder.grid else {
        throw AviaryError(.config, "a class token in front of the patches", wanted: "patches alone, whose places the resampler knows", at: "keeps_class_token")
      }
      let sizes = try ResamplerConfig(input: width, width: output, side: side, grid: encoder.grid, at: "the language model")
      return AdapterChain([try Resampler(w, sizes)])
    case .perceiver(let latents, let depth, let heads, let head):
      let sizes = PerceiverConfig(width: width, latents: latents, depth: depth, heads: heads, head: head, form: .openFlamingo)
      return AdapterChain([try Perceiver(w["perceiver"], sizes), try MLPProjector(w, width, output, [.linear("linear")])])
    }
  }
}

public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// Models that a configuration alone puts together: any encoder, any adapter, any decoder of `AviaryParts`, each named in
/// `config.json` and found below `encoder.`, `adapter.` and `language_model.` under its own published names.
public enum Composed: Architecture {
  public static let id = "composed"
  public static let claims = ["composed"]

  public struct Config: Sendable {
    public var encoder: EncoderConfig
    public var adapter: AdapterConfig
    public var text: DecoderConfig
    /// Stands for a picture in a prompt.
    public var marker: String
  }

  public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
    let c = try folder.config()
    guard let encoder = try c.object("encoder"), let adapter = try c.object("adapter"), let text = try c.object("language_model") else {
      throw AviaryError(.config, "not all of encoder, adapter and language_model", wanted: "the three parts by name", at: "config.json")
    }
    let marker = try c.string("image_token", default: "<image>")
    guard !marker.isEmpty else { throw AviaryError(.config, "an empty image_token", wanted: "a text", at: "config.json: image_token") }
    return Config(encoder: try EncoderConfig(encoder), adapter: try AdapterConfig(adapter), text: try DecoderConfig(text), marker: marker)
  }

  public static func weights(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
    let rules = c.encoder.names(from: "encoder.", to: "encoder.") + c.text.names(from: "language_model.", to: "language_model.")
    return (SplitSource(try folder.weights(), Resampler.split), NameMap(rules))
  }

  public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<AnyEncoder, AdapterChain, AnyDecoder> {
    let eye = try c.encoder.model(w["encoder"])
    return Spliced(
      eye, try c.adapter.model(w["adapter"], c.encoder, width: eye.width, output: c.text.width), try c.text.model(w["language_model"]))
  }

  public static func processor(_ config: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor {
    try ComposedProcessor(config, folder)
  }
}

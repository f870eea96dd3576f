public import AviaryCore
public import AviaryParts
public import AviaryTensor

/// A LLaVA of a few thousand random numbers: pictures of 8x8 pixels become four rows.
public enum TinyModel {
  public static let side = 8
  public static let tokensPerImage = 4

  public static func text(context: Int = 256, layers: Int = 2) throws -> LlamaConfig {
    try LlamaConfig(
      config(
        """
        {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": \(layers), "num_attention_heads": 2, "num_key_value_heads": 1,
         "vocab_size": \(ByteTokenizer().vocabularySize), "max_position_embeddings": \(context)}
        """))
  }

  public static func vision() throws -> CLIPConfig {
    try CLIPConfig(
      config(#"{"hidden_size": 8, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 8, "patch_size": 4}"#))
  }

  /// With eyes.
  public static func seeing(on backend: any Backend = Reference(), context: Int = 256, stop: StopRule = StopRule()) throws -> LoadedModel {
    let (text, vision) = (try text(context: context), try vision())
    let features = try FeatureLayers([-2], of: vision.layers, keepsClassToken: false, at: "test")
    let (model, weights) = try Weights.load(.random(.f32, seed: 7), on: backend) { (w) throws(AviaryError) in
      let eye = try CLIPViT(w["eye"], vision, features)
      let bridge = try MLPProjector(w["bridge"], eye.width, text.hiddenSize, [.linear("0"), .activation(.gelu), .linear("2")])
      return Spliced(eye, bridge, try Llama(w["language_model"], text))
    }
    return LoadedModel(architecture: "tiny", model: model, weights: weights, processor: TinyProcessor(stop: stop), backend: backend, name: "tiny")
  }

  /// Without.
  public static func blind(on backend: any Backend = Reference(), context: Int = 256, stored: DType = .f32) throws -> LoadedModel {
    let text = try text(context: context)
    let (model, weights) = try Weights.load(.random(stored, seed: 7), on: backend) { (w) throws(AviaryError) in TextOnly(try Llama(w, text)) }
    return LoadedModel(architecture: "blind", model: model, weights: weights, processor: TinyProcessor(), backend: backend, name: "tiny-blind")
  }

  /// A picture of bytes that differ with the seed; its key says what it shows, not what it is called.
  public static func picture(_ seed: Int, width: Int = 8, height: Int = 8) -> ImageInput {
    let pixels = (0..<width * height * 3).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ seed &* 97 &+ ($0 >> 3) &* seed) }
    return ImageInput(image: PixelImage(width: width, height: height, channels: 3, pixels: pixels), key: "\(width)x\(height) \(pixels)")
  }
}

/// `USER: <image>text ASSISTANT:`, pictures sampled to the encoder's size.
public struct TinyProcessor: Processor {
  public let tokenizer: any Tokenizer = ByteTokenizer()
  public let stop: StopRule
  public var parameters: String { "nearest" }
  public var imageMarker: String? { "<image>" }

  public init(stop: StopRule = StopRule()) { self.stop = stop }

  public func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var prompt = MarkedText()
    for message in messages {
      prompt.append(message.role == .assistant ? "ASSISTANT:" : "USER:", trusted: true)
      for part in message.parts {
        switch part {
        case .image: prompt.append("<image>", trusted: true)
        case .text(let text): prompt.append(text, trusted: false)
        }
      }
    }
    if options.addsGenerationPrompt { prompt.append("ASSISTANT:", trusted: true) }
    return prompt
  }

  public func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let side = TinyModel.side
    var values: [Float] = []
    for channel in 0..<3 {
      for y in 0..<side {
        for x in 0..<side {
          let at = (y * image.height / side * image.width + x * image.width / side) * image.channels + channel
          values.append(Float(image.pixels[at]) / 128 - 1)
        }
      }
    }
    return PreparedImage(
      views: [PixelTensor(shape: [1, 3, side, side], values: values)],
      layout: MediaLayout(tokens: TinyModel.tokensPerImage, imageWidth: image.width, imageHeight: image.height))
  }

  public func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    try PromptAssembly.expanding(prompt, marker: "<image>", id: 3, images, tokenizer)
  }

  public func record(_ images: [PreparedImage]) -> [RecordedTensor] { [] }
}

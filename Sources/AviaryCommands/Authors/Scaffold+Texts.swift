/// What stands in a new family's files; `__NAME__` and `__ID__` are filled in.
extension Scaffold {
  static let architecture = #"""
    public import AviaryCore
    import AviaryNN
    public import AviaryParts
    public import AviaryTensor

    /// __NAME__ (who, when, where it is described): what it is made of, in a sentence.
    public enum __NAME__: Architecture {
      public static let id = "__ID__"
      /// Values of `model_type` and `architectures` in its published config.json.
      public static let claims = ["__ID__"]

      public struct Config: Sendable {
        public var text: LlamaConfig
        public var vision: CLIPConfig
        public var features: FeatureLayers
        public var activation: UnaryKind
        /// The token that stands for one row of a picture.
        public var imageToken: Int32
      }

      /// The configuration, with the original's defaults for what published files leave out.
      public static func config(_ folder: any ModelFolder) throws(AviaryError) -> Config {
        let c = try folder.config()
        guard let text = try c.object("text_config"), let vision = try c.object("vision_config") else {
          throw AviaryError(.config, "no text_config or no vision_config", wanted: "both", at: "config.json")
        }
        let clip = try CLIPConfig(vision)
        let layer = try c.int("vision_feature_layer", default: -2, in: -1024...1024)
        return Config(
          text: try LlamaConfig(text), vision: clip,
          features: try FeatureLayers([layer], of: clip.layers, keepsClassToken: false, at: "config.json: vision_feature_layer"),
          activation: try c.choice("projector_hidden_act", default: "gelu", of: Activation.byName),
          imageToken: Int32(try c.int("image_token_index", default: 32000, in: 0...4_194_303)))
      }

      /// The tensors, and the way from their published names to those that `model` asks for: the first rule that fits a name
      /// decides, and a name that none fits stays as it is.
      public static func weights(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> (any WeightSource, NameMap) {
        let rules: [NameMap.Rule] = [
          .ignoreSuffix("position_ids"), .ignoreSuffix("rotary_emb.inv_freq"), .prefix("multi_modal_projector.", "projector."),
        ]
        return (try folder.weights(), NameMap(rules + ClipNames.unused(below: "vision_tower.vision_model.", c.vision, c.features)))
      }

      public static func model(_ c: Config, _ w: Weights) throws(AviaryError) -> Spliced<CLIPViT, MLPProjector, Llama> {
        let eye = try CLIPViT(w["vision_tower"]["vision_model"], c.vision, c.features)
        let bridge = try MLPProjector(
          w["projector"], eye.width, c.text.hiddenSize, [.linear("linear_1"), .activation(c.activation), .linear("linear_2")])
        return Spliced(eye, bridge, try Llama(w["language_model"], c.text))
      }

      public static func processor(_ c: Config, _ folder: any ModelFolder) throws(AviaryError) -> any Processor { try __NAME__Processor(c, folder) }
    }

    """#

  static let processor = #"""
    import AviaryCore
    import AviaryMedia
    import AviaryParts
    import AviaryTensor
    import AviaryText

    /// __NAME__'s prompts and pictures.
    struct __NAME__Processor: Processor {
      let tokenizer: any Tokenizer
      let stop: StopRule
      private let config: __NAME__.Config
      private let pictures: CLIPPreprocessor
      private let template: (any PromptTemplate)?
      private let marker: String

      init(_ config: __NAME__.Config, _ folder: any ModelFolder) throws(AviaryError) {
        self.config = config
        tokenizer = try folder.tokenizer()
        template = try folder.promptTemplate()
        marker = tokenizer.token(config.imageToken) ?? "<image>"
        pictures = try CLIPPreprocessor(
          try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: config.vision.imageSize)
        try pictures.check(encoderSide: config.vision.imageSize, at: "preprocessor_config.json")
        stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
      }

      var imageMarker: String? { marker }
      /// Whatever changes a picture's pixels: cached features are kept under it.
      var parameters: String { "\(__NAME__.id) \(pictures)" }

      /// The checkpoint's own chat template, or a published style.
      func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
        var messages = messages
        if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
        if let template { return try template.render(messages, addGenerationPrompt: true, imageMarker: marker) }
        var style = PromptStyle.vicunaV1
        style.image = .init(marker + "\n")
        return try style.render(messages)
      }

      func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
        let rgb = image.rgb()
        let rows = config.vision.grid * config.vision.grid
        return PreparedImage(views: [try pictures(rgb)], layout: MediaLayout(tokens: rows, imageWidth: rgb.width, imageHeight: rgb.height))
      }

      func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
        try PromptAssembly.expanding(prompt, marker: marker, id: config.imageToken, images, tokenizer)
      }

      func record(_ images: [PreparedImage]) -> [RecordedTensor] { images.isEmpty ? [] : [RecordedPixels.joined(images)] }
    }

    """#

  static let readme = #"""
    # __NAME__

    What it is made of, who published it, where it is described.

    Golden cases: `__ID__-*`; none yet.

    What is easily got wrong:

    - ...

    """#

  static let tests = #"""
    import Architectures
    import AviaryTesting
    import CoreTestSupport
    import Testing

    struct __NAME__Tests {
      /// The published configuration with small sizes.
      static let configuration = """
        {
          "model_type": "__ID__", "image_token_index": 3,
          "vision_config": {
            "model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 7
          },
          "text_config": {
            "model_type": "llama", "hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 3, "vocab_size": 320
          }
        }
        """

      /// Configuration, names, shapes, prompt and pictures fit together.
      @Test func aRandomCheckpointAnswers() async throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path + "/tiny"
        try RandomCheckpoint(["config.json": Self.configuration]).write(to: folder)
        let model = try ModelUnderTest(folder)
        #expect(model.engine.loaded.architecture == __NAME__.id)
        #expect(!(try await model.answer("What is this?", [ModelUnderTest.picture()])).generatedIDs.isEmpty)
      }

      /// Fails until a run of the original code is recorded: docs/adding-a-model.md, "Is it right?".
      @Test func theRecordedRunHolds() throws {
        let folder = try #require(Golden.find("__ID__-single"), "there is no recorded run __ID__-single")
        #expect(try Parity.failures(of: folder) == [])
      }
    }

    """#
}

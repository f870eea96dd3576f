import AviaryCore
import AviaryMedia
import AviaryTensor
import AviaryText

/// DeepSeek-VL's prompts and pictures. The layouts differ by design: the original truncates the short side where
/// Hugging Face rounds, and makes the small view from floats where Hugging Face makes it from 8-bit pixels.
struct DeepSeekVLProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: DeepSeekVL.Config
  private let template: (any PromptTemplate)?
  private let marker: String
  private let id: Int32
  private let square: SquareFit
  /// Of the view that all else starts from.
  private let main: Normalization
  /// Of the second, smaller view of two towers; nil leaves its pixels as they are.
  private let small: Normalization?
  private let smallFilter: ResampleFilter

  init(_ config: DeepSeekVL.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    template = config.isOriginal ? nil : try folder.promptTemplate()
    let own = try folder.optionalConfig("processor_config.json") ?? .empty("processor_config.json")
    if let given = config.imageToken {
      id = given
      marker = tokenizer.token(given) ?? Self.published
    } else {
      marker = try own.string("image_tag", default: Self.published)
      let _: Bool = try own.choice("sft_format", default: "deepseek", of: [("deepseek", true)])
      guard let found = tokenizer.id(of: marker) else {
        throw AviaryError(.config, "the tokenizer has no token \(marker)", wanted: "one, since pictures stand for it", at: "processor_config.json: image_tag")
      }
      id = found
    }
    _ = try own.int("num_image_tokens", default: config.tokens, in: config.tokens...config.tokens)

    let c = try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json")
    let isHybrid = config.high != nil
    let side = config.high?.imageSize ?? config.low.imageSize
    let normalizes = try c.bool("do_normalize", default: config.isOriginal ? !isHybrid : true)
    let rescale = try c.number("rescale_factor", default: 1 / 255, in: 1e-9...1e9)
    let minSide = try c.int("min_size", default: 14, in: 1...side)
    let half = [0.5, 0.5, 0.5]
    func normalization(_ prefix: String, _ mean: [Double], _ std: [Double]) throws(AviaryError) -> (normalization: Normalization, padding: PixelColour) {
      let (mean, std) = (try c.numbers(prefix + "image_mean", count: 3, default: mean), try c.numbers(prefix + "image_std", count: 3, default: std))
      let applied = normalizes ? (mean, std) : ([0, 0, 0], [1, 1, 1])
      return (try Normalization(mean: applied.0, std: applied.1, rescale: rescale), try PixelColour(mean: mean))
    }
    if config.isOriginal {
      _ = try c.int("image_size", default: side, in: side...side)
      let whole = try normalization("", isHybrid ? Normalization.clipMean : half, isHybrid ? Normalization.clipStd : half)
      main = whole.normalization
      square = SquareFit(side: side, minSide: minSide, rounds: false, filter: .bicubic, padding: whole.padding)
      small = try config.lowStatistics.map { s throws(AviaryError) in try Normalization(mean: s.mean, std: s.deviation) }
      smallFilter = .bilinear
    } else {
      let prefix = isHybrid ? "high_res_" : ""
      let whole = try normalization(prefix, isHybrid ? Normalization.clipMean : half, isHybrid ? Normalization.clipStd : half)
      main = whole.normalization
      square = SquareFit(
        side: try Self.side(c, prefix + "size", side), minSide: minSide, rounds: true, filter: try Self.filter(c, prefix + "resample", .bicubic),
        padding: whole.padding)
      if isHybrid { _ = try Self.side(c, "size", config.low.imageSize) }
      small = isHybrid ? try normalization("", half, half).normalization : nil
      smallFilter = isHybrid ? try Self.filter(c, "resample", .bilinear) : .bilinear
    }
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
  }

  private static let published = "<image_placeholder>"

  /// A square's side that must be the encoder's.
  private static func side(_ c: ConfigReader, _ key: String, _ side: Int) throws(AviaryError) -> Int {
    guard let size = try c.object(key) else { return side }
    for edge in ["height", "width"] { _ = try size.int(edge, default: side, in: side...side) }
    return side
  }

  private static func filter(_ c: ConfigReader, _ key: String, _ fallback: ResampleFilter) throws(AviaryError) -> ResampleFilter {
    ResampleFilter(rawValue: try c.int(key, default: fallback.rawValue, in: 0...5)) ?? fallback
  }

  /// Its tokenizer has no marks for places; what it says of them is plain text.
  var regions: (any RegionSyntax)? { BracketedRegions() }
  var imageMarker: String? { marker }
  var parameters: String { "\(DeepSeekVL.id) \(square) \(main) \(small.map { "\($0) \(smallFilter)" } ?? "one view")" }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    if let template { return try template.render(messages, addGenerationPrompt: options.addsGenerationPrompt, imageMarker: marker) }
    var style = PromptStyle.deepSeekVL
    style.image = .init(marker)
    return try style.render(messages, addGenerationPrompt: options.addsGenerationPrompt)
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let layout = MediaLayout(tokens: config.tokens, imageWidth: rgb.width, imageHeight: rgb.height)
    let whole = try square(rgb)
    let pixels = try main(whole)
    guard config.high != nil else { return PreparedImage(views: [pixels], layout: layout) }
    let side = config.low.imageSize
    let second: PixelTensor
    if config.isOriginal {
      let shrunk = try pixels.resized(width: side, height: side, filter: smallFilter)
      second = try small.map { n throws(AviaryError) in try shrunk.normalized(by: n) } ?? shrunk
    } else {
      let shrunk = try whole.resized(width: side, height: side, filter: smallFilter)
      second = try (small ?? main)(shrunk)
    }
    return PreparedImage(views: [pixels, second], layout: layout)
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    config.isOriginal
      ? try PromptAssembly.repeating(prompt, marker: marker, id: id, images, tokenizer)
      : try PromptAssembly.expanding(prompt, marker: marker, id: id, images, tokenizer)
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] {
    if images.isEmpty { return [] }
    guard config.high != nil else { return [RecordedPixels.joined(images)] }
    let names = config.isOriginal ? ["pixel_values", "low_res_pixels_normalized"] : ["high_res_pixel_values", "pixel_values"]
    return names.enumerated().map { RecordedPixels.joined(images, view: $0.offset, as: $0.element) }
  }
}

/// The longer side brought to a square's, the shorter one in proportion, the rest filled with one colour.
private struct SquareFit: Hashable {
  let side: Int
  /// The shorter side is at least this long.
  let minSide: Int
  /// Rounded (halves to even) or truncated, with the products in the order of the layout's own code: both decide ties.
  let rounds: Bool
  let filter: ResampleFilter
  let padding: PixelColour

  func callAsFunction(_ image: PixelImage) throws(AviaryError) -> PixelImage {
    let longest = Double(max(image.width, image.height))
    func length(_ x: Int) -> Int {
      let fitted =
        rounds
        ? (Double(x) * (Double(side) / longest)).rounded(.toNearestOrEven) : (Double(x) / longest * Double(side)).rounded(.towardZero)
      return min(max(Int(fitted), minSide), side)
    }
    return try image.resized(width: length(image.width), height: length(image.height), filter: filter)
      .paddedCentered(width: side, height: side, fill: padding)
  }
}

extension PromptStyle {
  /// `deepseek` of the original repository's conversation.py.
  fileprivate static let deepSeekVL = PromptStyle(
    name: "deepseek",
    system: "You are a helpful language and vision assistant. You are able to understand the visual content that the user provides, and assist "
      + "the user with a variety of tasks using natural language.",
    systemFrame: Frame(before: "", after: "\n\n"), user: Frame(before: "User: ", after: "\n\n"),
    assistant: Frame(before: "Assistant: ", after: "<｜end▁of▁sentence｜>"), generationPrompt: "Assistant:", image: ImageMarker("<image_placeholder>"),
    stripsMessages: true, stop: [])
}

import AviaryCore
import AviaryMedia
import AviaryParts
import AviaryTensor
import AviaryText

/// LLaVA's prompts and pictures. The two layouts differ by design: Hugging Face crops and repeats the image token, the
/// original pads and splits the text (specs: sections 4 to 6).
struct LLaVAProcessor: Processor {
  let tokenizer: any Tokenizer
  let stop: StopRule
  private let config: LLaVA.Config
  private let pictures: CLIPPreprocessor
  private let template: (any PromptTemplate)?
  private let folderName: String
  private let marker: String

  init(_ config: LLaVA.Config, _ folder: any ModelFolder) throws(AviaryError) {
    self.config = config
    tokenizer = try folder.tokenizer()
    template = try folder.promptTemplate()
    folderName = folder.name
    let side = config.vision.imageSize
    switch config.layout {
    case .huggingFace(let id, _, _):
      marker = try folder.optionalConfig("processor_config.json")?.optionalString("image_token") ?? tokenizer.token(id) ?? "<image>"
      pictures = try CLIPPreprocessor(try folder.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: side)
    case .original(let original):
      marker = "<image>"
      let tower = try folder.part(original.tower)
      pictures = try CLIPPreprocessor(try tower.optionalConfig("preprocessor_config.json") ?? .empty("preprocessor_config.json"), side: side)
    }
    if config.gridPinpoints == nil { try pictures.check(encoderSide: side, at: "preprocessor_config.json") }
    stop = try StopRule.declared(by: folder, tokenizer: tokenizer)
  }

  var imageMarker: String? { marker }
  var parameters: String { "\(LLaVA.id) \(pictures) \(config.gridPinpoints ?? []) \(paddingColour.map { "\($0)" } ?? "crop")" }

  /// The mean colour, where the original layout pads pictures to squares.
  private var paddingColour: PixelColour? {
    guard case .original(let original) = config.layout, original.aspectRatio == "pad" else { return nil }
    return try? PixelColour(mean: pictures.normalization.mean)
  }

  func prompt(_ messages: [ChatMessage], _ options: PromptOptions) throws(AviaryError) -> MarkedText {
    var messages = messages
    if let system = options.system, messages.first?.role != .system { messages.insert(ChatMessage(.system, system), at: 0) }
    if options.style == nil, let template { return try template.render(messages, addGenerationPrompt: options.addsGenerationPrompt, imageMarker: marker) }
    let name = options.style ?? defaultStyle
    guard var style = PromptStyle.published(name) else {
      throw AviaryError(.request, "no prompt style \(name)", wanted: "one of " + PromptStyle.published.map(\.name).joined(separator: ", "))
    }
    if case .original(let original) = config.layout, original.usesStartEnd { style.image = .init("<im_start>\(marker)<im_end>\n") }
    return try style.render(messages, addGenerationPrompt: options.addsGenerationPrompt)
  }

  /// The original's choice by the checkpoint's name; its web demo and evaluations use `v1`.
  private var defaultStyle: String {
    let name = folderName.lowercased()
    if name.contains("mistral") { return "mistral_instruct" }
    if name.contains("34b") { return "chatml_direct" }
    return "v1"
  }

  func prepare(_ image: PixelImage) throws(AviaryError) -> PreparedImage {
    let rgb = image.rgb()
    let grid = config.vision.grid
    if let pinpoints = config.gridPinpoints { return try tiled(rgb, pinpoints, grid) }
    let square = if let paddingColour { try rgb.paddedToSquare(fill: paddingColour) } else { rgb }
    let tokens = grid * grid + (config.features.keepsClassToken ? 1 : 0)
    return PreparedImage(views: [try pictures(square)], layout: MediaLayout(tokens: tokens, imageWidth: rgb.width, imageHeight: rgb.height))
  }

  /// An overview tile and the tiles of the best grid (1.6).
  private func tiled(_ image: PixelImage, _ pinpoints: [[Int]], _ patches: Int) throws(AviaryError) -> PreparedImage {
    let isOriginal = if case .original = config.layout { true } else { false }
    let side = config.vision.imageSize
    let size = AnyResolution.Size(width: image.width, height: image.height)
    let grid = try AnyResolution.bestGrid(imageSize: size, pinpoints: pinpoints, order: isOriginal ? .widthHeight : .heightWidth)
    guard grid.width % side == 0, grid.height % side == 0 else {
      throw AviaryError(.config, "a grid of \(grid.width)x\(grid.height)", wanted: "multiples of the encoder's \(side)", at: "config.json: image_grid_pinpoints")
    }
    let views = try AnyResolution.views(of: image, grid: grid, tileSide: side, filter: pictures.filter)
    let (rows, columns) = (grid.height / side, grid.width / side)
    let kept = AnyResolution.unpad(
      rows: rows * patches, columns: columns * patches, imageSize: size, rounding: isOriginal ? .truncate : .sevenDigits)
    let newlines = config.hasNewline ? kept.rows.count : 0
    return PreparedImage(
      views: [try pictures.normalization(views)],
      layout: MediaLayout(
        tokens: patches * patches + kept.rows.count * kept.columns.count + newlines, imageWidth: image.width, imageHeight: image.height,
        tiling: .init(rows: rows, columns: columns, side: patches, keptRows: kept.rows, keptColumns: kept.columns)))
  }

  func tokenize(_ prompt: MarkedText, _ images: [MediaLayout]) throws(AviaryError) -> TokenizedPrompt {
    switch config.layout {
    case .huggingFace(let id, _, _): try PromptAssembly.expanding(prompt, marker: marker, id: id, images, tokenizer)
    case .original: try PromptAssembly.splitting(prompt, marker: marker, placeholder: -200, images, tokenizer)
    }
  }

  func record(_ images: [PreparedImage]) -> [RecordedTensor] {
    if images.isEmpty { return [] }
    guard config.gridPinpoints != nil else { return [RecordedPixels.joined(images)] }
    let sizes = images.flatMap { [Int64($0.layout.imageHeight), Int64($0.layout.imageWidth)] }
    return [RecordedPixels.stacked(images), RecordedTensor("image_sizes", [images.count, 2], .ints(sizes))]
  }
}

public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// Pictures with their answers, or whole conversations, that a model is shown in front of a question (few-shot).
public struct Demonstrations: Sendable {
  /// A picture's file and the answer to it.
  public struct Shot: Sendable, Hashable {
    public var image: String
    public var answer: String
    public init(image: String, answer: String) {
      self.image = image
      self.answer = answer
    }
  }

  /// The pictures, in the order of the messages.
  public private(set) var images: [ImageInput] = []
  /// From files, in their order.
  private var told: [ChatMessage] = []
  private var shown: [(image: Int, answer: String)] = []

  /// Nothing to show.
  public init() {}

  /// Reads files and decodes pictures.
  ///
  /// - Parameters:
  ///   - files: JSONL, a message a line (`role`, and `content` as a text or a list of `text` and `image` parts with `path`,
  ///     relative to the file) or an object with `messages`. They come first.
  /// - Throws: `.file`, `.format`, `.config` with file and line; what the decoder says of a picture.
  public init(files: [String] = [], shots: [Shot] = [], for loaded: LoadedModel, limits: Limits = .standard) throws(AviaryError) {
    for file in files {
      let folder = file.lastIndex(of: "/").map { String(file[...$0]) } ?? ""
      for (index, line) in try TextFile.read(file, limits: limits).split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
        if line.allSatisfy(\.isWhitespace) { continue }
        let place = "\(file): line \(index + 1)"
        let json = try JSONParser.parse(Array(line.utf8), name: place, limits: limits)
        var wrapped = JSONObject()
        wrapped.append("messages", json["messages"] ?? .array([json]))
        let read = try MessageReader.read(try ConfigReader(.object(wrapped), place: place), firstImage: images.count)
        told += read.messages
        for path in read.imagePaths {
          try add(path.hasPrefix("/") || path.hasPrefix("data:") ? path : folder + path, loaded, limits)
        }
      }
    }
    for shot in shots {
      shown.append((images.count, shot.answer))
      try add(shot.image, loaded, limits)
    }
  }

  private mutating func add(_ image: String, _ loaded: LoadedModel, _ limits: Limits) throws(AviaryError) {
    guard images.count < limits.imagesPerRequest else {
      throw AviaryError(.limit, "more than \(limits.imagesPerRequest) pictures in the demonstrations", wanted: "at most that many in a request")
    }
    images.append(try ImageLoader.load(image, for: loaded, limits: limits))
  }

  public var isEmpty: Bool { told.isEmpty && shown.isEmpty }

  /// What stands in front of a question, in the family's own form.
  public func messages(before question: String, _ processor: any Processor, _ options: PromptOptions) -> [ChatMessage] {
    shown.reduce(told) { $0 + processor.demonstration($1.image, answer: $1.answer, to: question, options) }
  }
}

extension LoadedModel {
  /// Boxes in pixels as the family's prompts write them, one behind another.
  ///
  /// - Parameters:
  ///   - boxes: see `Region.init(parsing:sizes:)`; their numbers count `images`.
  /// - Throws: `.request` for a family that knows no places, and for a box that cannot be.
  public func written(_ boxes: [String], in images: [ImageInput]) throws(AviaryError) -> String {
    guard !boxes.isEmpty else { return "" }
    guard let syntax = processor?.regions else {
      throw AviaryError(.request, "a box for \(name)", wanted: "a family that was trained with boxes: qwen-vl, vary or deepseek-vl")
    }
    let sizes = images.map { (width: $0.image.width, height: $0.image.height) }
    var text = ""
    for box in boxes {
      let region = try Region(parsing: box, sizes: sizes)
      text += syntax.write(region, width: sizes[region.image].width, height: sizes[region.image].height)
    }
    return text
  }
}

public import AviaryCore
public import AviaryTensor

/// One conversation as a model is trained on it: its tokens and pictures, and what each row must predict.
public struct TrainingSample: Sendable {
  public var parts: [TokenizedPrompt.Part]
  /// Which row may look at which picture, for models that look at them by cross-attention.
  public var sight: MediaSight?
  public var images: [PreparedImage]
  /// By row of the language model's input: the id that comes next, or `nothing` where it is not trained.
  public var targets: [Int32]

  /// A row's target where none is to be learnt.
  public static let nothing: Int32 = -1

  public init(parts: [TokenizedPrompt.Part], sight: MediaSight? = nil, images: [PreparedImage] = [], targets: [Int32]) {
    self.parts = parts
    self.sight = sight
    self.images = images
    self.targets = targets
  }

  /// From ids and labels as Hugging Face has them: one id per row, -100 for what is not trained, the shift by one done here.
  ///
  /// - Parameter imageToken: the id that stands for each row of a picture.
  /// - Throws: `.format` where labels and ids, or pictures and their rows, do not fit.
  public init(ids: [Int64], labels: [Int64], imageToken: Int32?, images: [PreparedImage], at place: String) throws(AviaryError) {
    guard ids.count == labels.count else { throw AviaryError(.format, "\(ids.count) ids with \(labels.count) labels", wanted: "as many", at: place) }
    var parts: [TokenizedPrompt.Part] = []
    var run: [Int32] = []
    var next = 0
    var row = 0
    while row < ids.count {
      guard let id = Int32(exactly: ids[row]) else { throw AviaryError(.format, "id \(ids[row])", wanted: "a token's", at: place) }
      if let imageToken, id == imageToken, next < images.count {
        if !run.isEmpty { parts.append(.tokens(run)) }
        run = []
        let count = images[next].layout.tokens
        guard row + count <= ids.count, ids[row..<row + count].allSatisfy({ $0 == Int64(imageToken) }) else {
          throw AviaryError(.format, "fewer than \(count) rows for picture \(next + 1)", wanted: "as many as it has", at: place)
        }
        parts.append(.image(next, count: count))
        next += 1
        row += count
      } else {
        run.append(id)
        row += 1
      }
    }
    if !run.isEmpty { parts.append(.tokens(run)) }
    guard next == images.count else { throw AviaryError(.format, "rows for \(next) pictures", wanted: "\(images.count)", at: place) }
    let targets = (1...max(ids.count, 1)).map { $0 < ids.count && labels[$0] >= 0 ? Int32(truncatingIfNeeded: labels[$0]) : Self.nothing }
    self.init(parts: parts, images: images, targets: targets)
  }

  /// Rows of the language model's input.
  public var count: Int { targets.count }
  /// Rows that are trained.
  public var trained: Int { targets.count { $0 >= 0 } }
}

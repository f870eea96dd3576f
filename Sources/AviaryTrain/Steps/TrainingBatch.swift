import AviaryCore
import AviaryTensor

/// Several samples as one graph reads them: padded to the longest, sequence behind sequence.
struct TrainingBatch {
  let sequences: Int
  let length: Int
  private(set) var ids: [Int32]
  private(set) var images: [PreparedImage] = []
  /// Rows of the batch at which the pictures' rows stand, in order.
  private(set) var places: [Int32] = []
  /// The picture that each row sees, -1 for none; nil where no sample has sight.
  private(set) var seen: [Int32]?
  /// Rows that are trained, and the ids that they must predict.
  private(set) var rows: [Int32] = []
  private(set) var targets: [Int32] = []

  /// The views of all pictures, joined where they have equal shapes and are not tiled; else picture by picture.
  private(set) var views: [(layout: MediaLayout, pictures: Int, views: [PixelTensor])] = []
  /// Input slots that a step's graph may take for all this; others are free.
  var inputs: Int { 8 + views.reduce(0) { $0 + $1.views.count } }

  /// - Throws: `.request` where nothing is trained, a token is not in the vocabulary or a sample is too long.
  init(_ samples: [TrainingSample], vocabulary: Int, context: Int) throws(AviaryError) {
    sequences = samples.count
    length = samples.map(\.count).max() ?? 0
    guard length <= context else { throw AviaryError(.request, "a sample of \(length) tokens", wanted: "at most the model's context of \(context)") }
    ids = [Int32](repeating: 0, count: sequences * length)
    if samples.contains(where: { $0.sight != nil }) { seen = [Int32](repeating: -1, count: ids.count) }
    for (index, sample) in samples.enumerated() { try append(sample, from: index * length, vocabulary) }
    views = Self.joined(images)
    guard !rows.isEmpty else { throw AviaryError(.request, "no token of the batch is trained", wanted: "an answer to learn from") }
    guard rows.count * vocabulary <= Int(Int32.max) else {
      throw AviaryError(.limit, "\(rows.count) trained tokens of a vocabulary of \(vocabulary)", wanted: "fewer: a smaller batch")
    }
  }

  private mutating func append(_ sample: TrainingSample, from start: Int, _ vocabulary: Int) throws(AviaryError) {
    let firstImage = images.count
    images += sample.images
    var row = start
    for part in sample.parts {
      switch part {
      case .tokens(let tokens):
        for id in tokens {
          guard id >= 0, Int(id) < vocabulary else { throw AviaryError(.request, "token id \(id)", wanted: "0..<\(vocabulary)") }
          ids[row] = id
          row += 1
        }
      case .image(_, let count):
        for _ in 0..<count {
          places.append(Int32(row))
          row += 1
        }
      }
    }
    guard row - start == sample.count else { throw AviaryError(.internal, "\(row - start) rows", wanted: "\(sample.count), a target each") }
    for (offset, target) in sample.targets.enumerated() where target >= 0 {
      guard Int(target) < vocabulary else { throw AviaryError(.request, "target id \(target)", wanted: "0..<\(vocabulary)") }
      rows.append(Int32(start + offset))
      targets.append(target)
    }
    if let sight = sample.sight {
      for (offset, picture) in sight.seen.enumerated() where picture >= 0 { seen?[start + offset] = picture + Int32(firstImage) }
    }
  }

  var positions: [Int32] { (0..<sequences).flatMap { _ in (0..<Int32(length)) } }
  /// Where each target stands among all logits [rows, vocabulary].
  func flatTargets(_ vocabulary: Int) -> [Int32] { targets.enumerated().map { Int32($0.offset * vocabulary) + $0.element } }

  private static func joined(_ images: [PreparedImage]) -> [(layout: MediaLayout, pictures: Int, views: [PixelTensor])] {
    guard let first = images.first else { return [] }
    let shapes = first.views.map(\.shape)
    guard images.count > 1, images.allSatisfy({ $0.layout.tiling == nil && $0.layout.tokens == first.layout.tokens && $0.views.map(\.shape) == shapes }) else {
      return images.map { ($0.layout, 1, $0.views) }
    }
    let joined = shapes.indices.map { view in
      PixelTensor(shape: [shapes[view][0] * images.count] + shapes[view].dropFirst(), values: images.flatMap { $0.views[view].values })
    }
    return [(first.layout, images.count, joined)]
  }
}

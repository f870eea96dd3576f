public import AviaryTensor

/// A source in which some matrices are cut into blocks of equally many rows, each a tensor with a name of its own:
/// PyTorch's `in_proj_weight` as the matrices of queries, keys and values. Nothing is copied.
public struct SplitSource: WeightSource {
  /// Tensors whose name ends with `suffix` become as many as there are parts, which end with these instead.
  public struct Rule: Sendable, Hashable {
    public var suffix: String
    public var parts: [String]
    public init(_ suffix: String, _ parts: [String]) {
      self.suffix = suffix
      self.parts = parts
    }

    /// The names of a tensor's blocks, nil where the rule is not for it.
    public func blocks(of stored: String) -> [String]? {
      guard stored.hasSuffix(suffix) else { return nil }
      return parts.map { stored.dropLast(suffix.count) + $0 }
    }

    /// What a block is one of, nil where the rule is not for it.
    public func whole(of block: String) -> String? { parts.first(where: block.hasSuffix).map { block.dropLast($0.count) + suffix } }
  }

  public let names: [String]
  public let splits: [Rule]
  public var summary: String { inner.summary }
  private let inner: any WeightSource
  /// Own name -> stored name, number of the block, blocks.
  private let blocks: [String: (stored: String, index: Int, count: Int)]

  public init(_ inner: any WeightSource, _ rules: [Rule]) {
    var names: [String] = []
    var blocks: [String: (stored: String, index: Int, count: Int)] = [:]
    for name in inner.names {
      guard let parts = rules.lazy.compactMap({ $0.blocks(of: name) }).first else {
        names.append(name)
        continue
      }
      names += parts
      for (index, part) in parts.enumerated() { blocks[part] = (name, index, parts.count) }
    }
    self.inner = inner
    self.names = names
    splits = rules + inner.splits
    self.blocks = blocks
  }

  /// - Throws: `.weights` where the rows do not divide into the blocks.
  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? {
    guard let block = blocks[name] else { return try inner.tensor(name) }
    guard let whole = try inner.tensor(block.stored) else { return nil }
    guard whole.shape.count > 0, whole.shape[0] % block.count == 0 else {
      throw AviaryError(.weights, "tensor \(quoted(block.stored)) has the shape \(whole.shape)", wanted: "rows in \(block.count) equal blocks")
    }
    var shape = whole.shape
    shape[0] /= block.count
    return StoredTensor(
      name: name, shape: shape, dtype: whole.dtype, pages: whole.pages, offset: whole.offset + block.index * (whole.byteCount / block.count))
  }
}

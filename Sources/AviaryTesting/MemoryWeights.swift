public import AviaryCore
import AviaryFormats
public import AviaryTensor

/// Tensors in memory, by stored name: a checkpoint without a file.
public struct MemoryWeights: WeightSource {
  public private(set) var names: [String] = []
  private var tensors: [String: StoredTensor] = [:]
  public var summary: String { "\(names.count) tensors in memory" }

  public init() {}

  public func tensor(_ name: String) throws(AviaryError) -> StoredTensor? { tensors[name] }

  /// Adds a tensor whose elements are these bytes.
  ///
  /// - Parameter shift: bytes in front of it in its pages, to misalign it.
  public mutating func add(_ name: String, _ shape: Shape, _ dtype: DType, bytes: [UInt8], shift: Int = 0) throws(AviaryError) {
    let pages = try OwnedPages([UInt8](repeating: 0xee, count: shift) + bytes, name: "memory")
    names.append(name)
    tensors[name] = StoredTensor(name: name, shape: shape, dtype: dtype, pages: pages, offset: shift)
  }

  /// Adds a tensor of f32.
  public mutating func add(_ name: String, _ shape: Shape, _ values: [Float], shift: Int = 0) throws(AviaryError) {
    try add(name, shape, .f32, bytes: values.withUnsafeBytes { Array($0) }, shift: shift)
  }
}

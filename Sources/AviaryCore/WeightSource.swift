public import AviaryTensor

/// Read-only bytes that stay where they are for as long as the object lives: a mapped file, usually.
///
/// Sendable because the bytes never change.
public protocol Pages: AnyObject, Sendable {
  var bytes: UnsafeRawBufferPointer { get }
  /// What to call it in an error: a file name without its folder.
  var name: String { get }
  /// Throws `.file` where what was read is not what stood there: the file was cut short behind our back.
  func checkIntact() throws(AviaryError)
}

extension Pages {
  public func checkIntact() throws(AviaryError) {}
}

/// One tensor of a checkpoint as it is stored: where its bytes are, never a copy of them.
///
/// `bytes` is row-major and exactly `dtype.byteCount(elements:)` long; the loader has checked that it lies inside the
/// pages. A loader whose format allows strides copies such a tensor into pages of its own.
public struct StoredTensor: Sendable {
  public let name: String
  public let shape: Shape
  public let dtype: DType
  public let pages: any Pages
  /// Offset of the first byte in `pages`.
  public let offset: Int

  public init(name: String, shape: Shape, dtype: DType, pages: any Pages, offset: Int) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
    self.pages = pages
    self.offset = offset
  }

  public var byteCount: Int { dtype.byteCount(elements: shape.elements) ?? 0 }
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: pages.bytes[offset..<offset + byteCount])
  }
}

/// A checkpoint's tensors by name, whatever the file format: safetensors, PyTorch zip, GGUF, or random numbers.
public protocol WeightSource: Sendable {
  /// All names in the order of the file.
  var names: [String] { get }
  /// The tensor of that name, or nil. May throw where reading it shows that the file is damaged.
  func tensor(_ name: String) throws(AviaryError) -> StoredTensor?
  /// A short description for messages: "3 safetensors files".
  var summary: String { get }
  /// Which of a file's tensors are given in blocks.
  var splits: [SplitSource.Rule] { get }
}

extension WeightSource {
  public var splits: [SplitSource.Rule] { [] }

  /// Names under which the blocks of a file's tensor are given, in their order; none where it is given whole.
  public func blocks(of stored: String) -> [String] { splits.lazy.compactMap { $0.blocks(of: stored) }.first ?? [] }
}

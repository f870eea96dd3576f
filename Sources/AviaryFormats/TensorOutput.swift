public import AviaryCore
public import AviaryTensor

/// A tensor to write, and who makes its bytes.
public struct TensorOutput: Sendable {
  public let name: String
  public let shape: Shape
  public let dtype: DType
  /// Gives all bytes of the tensor, piece by piece, to its argument.
  public let bytes: @Sendable (_ sink: (UnsafeRawBufferPointer) throws(AviaryError) -> Void) throws(AviaryError) -> Void

  public init(
    _ name: String, _ shape: Shape, _ dtype: DType,
    bytes: @escaping @Sendable (_ sink: (UnsafeRawBufferPointer) throws(AviaryError) -> Void) throws(AviaryError) -> Void
  ) {
    self.name = name
    self.shape = shape
    self.dtype = dtype
    self.bytes = bytes
  }

  /// A tensor as it is stored.
  public init(_ tensor: StoredTensor) {
    self.init(tensor.name, tensor.shape, tensor.dtype) { (sink) throws(AviaryError) in
      try withExtendedLifetime(tensor.pages) { () throws(AviaryError) in try sink(tensor.bytes) }
    }
  }

  func write(to file: AtomicFile, byteCount: Int) throws(AviaryError) {
    var written = 0
    try bytes { (piece) throws(AviaryError) in
      written += piece.count
      try file.write(piece)
    }
    guard written == byteCount else { throw AviaryError(.internal, "\(written) bytes", wanted: "\(byteCount)", at: "tensor \(quoted(name))") }
  }
}

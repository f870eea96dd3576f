import AviaryTensor

extension HostBuffer {
  /// The bytes of a slice of a buffer that this backend made.
  static func bytes(of slice: BufferSlice, writing: Bool = false) throws(AviaryError) -> UnsafeMutableRawBufferPointer {
    // A comparison of types, since a cast at every weight of every step would be felt.
    guard type(of: slice.buffer) == HostBuffer.self, slice.isWithin else {
      throw AviaryError(.internal, "a slice of \(slice.byteCount) bytes at \(slice.offset)", wanted: "a part of a buffer of this backend", at: "cpu")
    }
    let buffer = unsafeDowncast(slice.buffer, to: HostBuffer.self)
    if writing, buffer.isReadOnly { throw AviaryError(.internal, "a step writes to read-only pages", at: "cpu") }
    return UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[slice.offset..<slice.offset + slice.byteCount])
  }
}

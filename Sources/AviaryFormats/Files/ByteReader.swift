/// Reads little-endian numbers one after the other; every read is checked against the end and gives nil past it.
struct ByteReader {
  let bytes: UnsafeRawBufferPointer
  /// Where the next read begins; always within `0...bytes.count`.
  private(set) var offset: Int

  /// - Parameter offset: nil results from every read where it lies outside of the bytes.
  init(_ bytes: UnsafeRawBufferPointer, at offset: Int = 0) {
    self.bytes = bytes
    self.offset = offset >= 0 ? min(offset, bytes.count) : bytes.count
  }

  var remaining: Int { bytes.count - offset }

  mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type) -> T? {
    guard remaining >= MemoryLayout<T>.size else { return nil }
    defer { offset += MemoryLayout<T>.size }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
  }

  mutating func byte() -> UInt8? { integer(UInt8.self) }

  /// The next `count` bytes, still inside of `bytes`.
  mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
  }
}

/// The bytes as text, or nil where they are not valid UTF-8.
func utf8Text(_ bytes: UnsafeRawBufferPointer) -> String? { String(validating: bytes, as: UTF8.self) }

public import AviaryCore
public import AviaryTensor
import Glibc

/// Bytes in memory of their own, aligned to 64: copies of tensors whose stored form cannot be used in place, tensors to
/// be written, and files that come from memory.
public final class OwnedPages: Pages, @unchecked Sendable {
  // Sendable: the bytes are written in the initialiser only.
  public let bytes: UnsafeRawBufferPointer
  public let name: String

  /// Takes `count` bytes, zeroed, and lets `fill` write them.
  ///
  /// - Throws: `.memory` where there is not enough, or what `fill` throws.
  public init(
    count: Int, name: String, fill: (UnsafeMutableRawBufferPointer) throws(AviaryError) -> Void
  ) throws(AviaryError) {
    var address: UnsafeMutableRawPointer?
    guard count >= 0, posix_memalign(&address, 64, max(count, 1)) == 0, let address else {
      throw AviaryError(.memory, "\(count) bytes of memory are not to be had", at: name)
    }
    let buffer = UnsafeMutableRawBufferPointer(start: address, count: count)
    memset(address, 0, count)
    bytes = UnsafeRawBufferPointer(buffer)
    self.name = name
    try fill(buffer)
  }

  /// A copy of `source`.
  public convenience init(copying source: UnsafeRawBufferPointer, name: String) throws(AviaryError) {
    try self.init(count: source.count, name: name) { $0.copyMemory(from: source) }
  }

  /// A copy of the elements of an array, such as `[Float]` or `[UInt8]`.
  public convenience init<Element: BitwiseCopyable>(_ elements: [Element], name: String) throws(AviaryError) {
    let count = elements.count * MemoryLayout<Element>.stride
    try self.init(count: count, name: name) { target in
      elements.withUnsafeBytes { target.copyMemory(from: $0) }
    }
  }

  deinit { free(UnsafeMutableRawPointer(mutating: bytes.baseAddress)) }
}

extension StoredTensor {
  /// The tensor itself where its bytes are aligned to its element size, else a copy that is: files may pack tensors
  /// anywhere, backends read whole elements.
  func aligned() throws(AviaryError) -> StoredTensor {
    let address = pages.bytes.baseAddress.map { Int(bitPattern: $0) } ?? 0
    guard (address + offset) % dtype.alignment != 0, byteCount > 0 else { return self }
    let copy = try OwnedPages(copying: bytes, name: pages.name)
    try pages.checkIntact()
    return StoredTensor(name: name, shape: shape, dtype: dtype, pages: copy, offset: 0)
  }
}

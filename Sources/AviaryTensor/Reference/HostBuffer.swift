#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Memory of this process: allocated and zeroed, or pages of somebody who keeps them mapped.
public final class HostBuffer: Buffer, @unchecked Sendable {
  // Unchecked: a run writes only to what its bindings name, and two runs never share an arena or a state.
  public let bytes: UnsafeMutableRawBufferPointer
  public let isReadOnly: Bool
  private let owner: (any AnyObject & Sendable)?
  private let isMapped: Bool

  public var byteCount: Int { bytes.count }

  /// Zeroed bytes, 64-byte aligned. Large buffers take memory only as they are written, so that a cache may be made for
  /// its longest sequence. Throws `.memory` where the system has not as many.
  public init(zeroed byteCount: Int) throws(AviaryError) {
    isMapped = byteCount >= 1 << 20
    if isMapped {
      let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let base, base != MAP_FAILED else {
        throw AviaryError(.memory, "\(byteCount) bytes could not be had", wanted: "memory for a buffer")
      }
      bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
      isReadOnly = false
      owner = nil
      return
    }
    var base: UnsafeMutableRawPointer?
    // Swift's own allocation stops the process where memory is short.
    guard byteCount >= 0, posix_memalign(&base, 64, max(byteCount, 64)) == 0, let base else {
      throw AviaryError(.memory, "\(byteCount) bytes could not be had", wanted: "memory for a buffer")
    }
    memset(base, 0, byteCount)
    bytes = UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    isReadOnly = false
    owner = nil
  }

  /// Pages that `owner` keeps; never written.
  public init(adopting pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) {
    bytes = UnsafeMutableRawBufferPointer(mutating: pages)
    isReadOnly = true
    isMapped = false
    self.owner = owner
  }

  deinit {
    if owner != nil { return }
    if isMapped { munmap(bytes.baseAddress, bytes.count) } else { free(bytes.baseAddress) }
  }
}

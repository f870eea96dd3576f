public import AviaryTensor
import Synchronization

/// A backend whose memory ends after some allocations.
public final class ScarceBackend: Backend {
  public static let id = "scarce"
  private let inner = Reference()
  private let left: Mutex<Int>

  private let weightTypes: Set<DType>?

  public init(_ options: BackendOptions) {
    left = Mutex(0)
    weightTypes = nil
  }

  /// - Parameter weightTypes: that it claims; nil for the reference's.
  public init(allocations: Int, weightTypes: Set<DType>? = nil) {
    left = Mutex(allocations)
    self.weightTypes = weightTypes
  }

  public var capabilities: Capabilities {
    var capabilities = inner.capabilities
    if let weightTypes { capabilities.weightTypes = weightTypes }
    return capabilities
  }
  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { inner.supports(op, dtypes) }
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? { nil }
  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer {
    let isLeft = left.withLock { left in
      left -= 1
      return left >= 0
    }
    guard isLeft else { throw AviaryError(.memory, "\(byteCount) bytes could not be had", wanted: "less: no allocation left") }
    return try inner.allocate(byteCount)
  }
  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try inner.upload(bytes, to: slice) }
  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) { try inner.download(slice, into: bytes) }
  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) { try inner.execute(plan, bindings, cancel) }
}

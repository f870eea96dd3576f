public import AviaryTensor

/// A backend without memory: it takes whatever a model asks for and keeps nothing, so that a model of any size can be
/// built and counted.
public final class CountingBackend: Backend {
  private final class Nothing: Buffer {
    let byteCount = 0
  }

  public static let id = "counting"
  public let capabilities = Capabilities(deviceName: "none", memoryBytes: 0)
  public init(_ options: BackendOptions = BackendOptions()) {}

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { .unsupported("nothing runs here") }
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) -> (any Buffer)? { nil }
  public func allocate(_ byteCount: Int) -> any Buffer { Nothing() }
  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) {}
  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) {}
  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    throw AviaryError(.device, "the counting backend runs nothing")
  }
}

import AviaryTensor

/// A backend without memory: it takes whatever a model asks for and keeps nothing, so that a model of any size can be
/// built and counted.
final class CountingBackend: Backend {
  final class Nothing: Buffer {
    let byteCount = 0
  }

  static let id = "counting"
  let capabilities = Capabilities(deviceName: "none", memoryBytes: 0)
  init(_ options: BackendOptions) {}

  func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { .unsupported("nothing runs here") }
  func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) -> (any Buffer)? { nil }
  func allocate(_ byteCount: Int) -> any Buffer { Nothing() }
  func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) {}
  func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) {}
  func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    throw AviaryError(.device, "the counting backend runs nothing")
  }
}

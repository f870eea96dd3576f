public import AviaryTensor
import Glibc
import Synchronization

/// A backend that counts the runs and steps of another and may interrupt them.
public final class WatchedBackend: Backend {
  public static let id = "watched"
  private let inner: any Backend
  private let state = Mutex(State())

  private struct State {
    var runs: [Run] = []
    var stop: Stop?
    var buffers: [Held] = []
  }

  /// A buffer for as long as somebody else holds it. Sendable: only looked at under the lock.
  private struct Held: @unchecked Sendable {
    weak var buffer: (any Buffer)?
  }

  /// What ran: the number of steps, and the module path of the first one that has one.
  public struct Run: Sendable {
    public let steps: Int
    public let path: String
  }

  /// What happens to the run of that number, counted from now.
  public enum Stop: Sendable, Equatable {
    /// It is interrupted after some of its steps.
    case cancel(run: Int, afterSteps: Int)
    /// It begins only when somebody has cancelled it, so that no work can outrun a reader who is about to leave.
    case awaitCancel(run: Int)
    /// It begins only after `release`, so that more can be asked for meanwhile.
    case hold(run: Int)
  }

  public init(_ options: BackendOptions) { inner = Reference(options) }
  public init(over inner: any Backend = Reference()) { self.inner = inner }

  public var runs: [Run] { state.withLock { $0.runs } }
  /// Forgets the runs so far and arranges for the next interruption.
  public func reset(_ stop: Stop? = nil) {
    state.withLock { ($0.runs, $0.stop) = ([], stop) }
  }

  /// Lets a held run begin.
  public func release() { state.withLock { $0.stop = nil } }

  /// Ten minutes, and the run goes on: the test then fails by what has run instead of hanging. Whoever leaves may wait long for
  /// a thread where all tests run at once.
  private func wait(_ isOver: () -> Bool) {
    let end = ContinuousClock.now + .seconds(600)
    while !isOver(), ContinuousClock.now < end { usleep(500) }
  }

  /// Buffers that are still held by somebody.
  public var liveBuffers: Int {
    state.withLock { state in
      state.buffers.removeAll { $0.buffer == nil }
      return state.buffers.count
    }
  }

  public var capabilities: Capabilities { inner.capabilities }
  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { inner.supports(op, dtypes) }
  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    try inner.adopt(pages, owner: owner)
  }
  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer {
    let buffer = try inner.allocate(byteCount)
    state.withLock { $0.buffers.append(Held(buffer: buffer)) }
    return buffer
  }
  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try inner.upload(bytes, to: slice) }
  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    try inner.download(slice, into: bytes)
  }

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    let path = plan.steps.map(\.path.description).first { !$0.isEmpty } ?? ""
    let stop = state.withLock { state in
      state.runs.append(Run(steps: plan.steps.count, path: path))
      return (state.stop, state.runs.count - 1)
    }
    switch stop.0 {
    case .awaitCancel(let run)? where run == stop.1: wait { cancel.isCancelled }
    case .hold(let run)? where run == stop.1: wait { state.withLock { $0.stop == nil } }
    default: break
    }
    guard case .cancel(let run, let steps)? = stop.0, run == stop.1 else { return try inner.execute(plan, bindings, cancel) }
    // The first steps run and leave their traces in the states; then the flag is seen.
    let beginning = Plan(steps: Array(plan.steps.prefix(steps)), views: plan.views, arenaBytes: plan.arenaBytes)
    try inner.execute(beginning, bindings, cancel)
    cancel.cancel()
    try inner.execute(plan, bindings, cancel)
  }
}

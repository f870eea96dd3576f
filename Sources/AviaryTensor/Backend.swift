/// Memory of a device. What is in it is the backend's affair.
public protocol Buffer: AnyObject, Sendable {
  var byteCount: Int { get }
}

/// A part of a buffer.
public struct BufferSlice: Sendable {
  public let buffer: any Buffer
  public let offset: Int
  public let byteCount: Int
  public init(_ buffer: any Buffer, offset: Int = 0, byteCount: Int? = nil) {
    self.buffer = buffer
    self.offset = offset
    self.byteCount = byteCount ?? buffer.byteCount - offset
  }
}

/// Everything that a run of a plan touches, by slot. A class, so that a step passes one reference.
public final class Bindings {
  public var weights: [BufferSlice]
  public var states: [BufferSlice]
  /// Host bytes, valid during `execute`.
  public var inputs: [UnsafeRawBufferPointer]
  public var arena: BufferSlice
  public init(weights: [BufferSlice], states: [BufferSlice] = [], inputs: [UnsafeRawBufferPointer] = [], arena: BufferSlice) {
    self.weights = weights
    self.states = states
    self.inputs = inputs
    self.arena = arena
  }
}

/// What the user may choose of a backend.
public struct BackendOptions: Sendable, Hashable {
  /// Worker threads; nil takes the machine's cores.
  public var threads: Int?
  /// Index, name or UUID of the device.
  public var device: String?
  /// Arithmetic of products: f32 keeps every factor as it is, bf16 is a faster mode of less precision. Nil leaves it to the backend, which then
  /// may round activations to 8 bits, block by block, where the weight is quantised, and nowhere else.
  public var compute: DType?
  /// Backend-specific words: `isa=avx2`.
  public var extra: [String: String] = [:]
  public init() {}
}

/// What a backend can do; Lowering asks it, `aviary devices` prints it.
public struct Capabilities: Sendable {
  public var deviceName: String
  /// Lines for `aviary devices`: instruction sets, driver, limits.
  public var details: [(String, String)]
  public var memoryBytes: Int
  public var largestBufferBytes: Int
  /// Fused forms that it runs; Lowering makes no others.
  public var fusions: Set<Fusion>
  public var weightTypes: Set<DType>
  /// Whether products with quantised weights round activations to 8 bits, 32 at a time with a scale of their own.
  public var roundsActivations = false
  /// Whether products read factors of f32 in any strides: a transposed one then needs no copy.
  public var readsAnyStrides = false
  public init(deviceName: String, details: [(String, String)] = [], memoryBytes: Int, largestBufferBytes: Int = .max, fusions: Set<Fusion> = [], weightTypes: Set<DType> = [.f32, .f16, .bf16]) {
    self.deviceName = deviceName
    self.details = details
    self.memoryBytes = memoryBytes
    self.largestBufferBytes = largestBufferBytes
    self.fusions = fusions
    self.weightTypes = weightTypes
  }
}

public enum Fusion: String, Sendable, Hashable, CaseIterable { case linear, swiglu }

/// Whether an operation runs as it is, through a cast, or not at all.
public enum Verdict: Sendable, Hashable {
  case native
  case viaCast(DType)
  case unsupported(String)
}

/// Set by whoever wants a run to end early; looked at between kernels and inside long ones.
public final class CancellationFlag: Sendable {
  private let flag = AtomicBool()
  public init() {}
  public func cancel() { flag.set() }
  public var isCancelled: Bool { flag.isSet }
}

/// A machine that runs plans. It knows no model; it is tested by being listed (Tests/BackendContract).
public protocol Backend: AnyObject, Sendable {
  /// The word in a configuration: `cpu`, `vulkan`.
  static var id: String { get }
  init(_ options: BackendOptions) throws(AviaryError)
  var capabilities: Capabilities { get }
  func supports(_ op: Op, _ dtypes: [DType]) -> Verdict

  /// Takes mapped pages as they are, without a copy, or nil where the device cannot.
  func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)?
  /// Zeroed memory. Throws `.memory` with the figures where there is not enough.
  func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer
  func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError)
  func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError)

  /// Runs the plan to its end. Throws `.cancelled` within 200 ms of the flag being set; the arena is then undefined,
  /// states hold what finished steps wrote.
  func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError)

  /// Steps of a plan that `execute` would refuse with these buffers, by their places in it, and why.
  func refusals(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [(step: Int, reason: String)]

  /// Pieces of work handed to a device so far, whose number a step should keep low; nil where there is no such thing.
  var submissionCount: Int? { get }

  /// Measures what the machine can do at most, which takes a few seconds; nil where the backend does not know how.
  func measureLimits() -> MachineLimits?
}

extension Backend {
  /// By `supports`; a backend whose limits depend on sizes says more.
  public func refusals(_ plan: Plan, _ bindings: Bindings) throws(AviaryError) -> [(step: Int, reason: String)] {
    plan.steps.enumerated().compactMap { index, step in
      let dtypes = plan.views[step.operands].map(\.dtype) + [step.output.dtype]
      guard case .unsupported(let reason) = supports(step.op, dtypes) else { return nil }
      return (index, reason)
    }
  }

  public var submissionCount: Int? { nil }
  public func measureLimits() -> MachineLimits? { nil }
}

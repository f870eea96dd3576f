public import AviaryTensor
import CAviaryKernels
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The machine's own processor: C kernels for the best instruction set at hand, on a pool of threads that spins through
/// a run. Weights are read where they are mapped, in the type in which they are stored. A run allocates nothing.
public final class CPUBackend: Backend, Sendable {
  public static let id = "cpu"
  public let capabilities: Capabilities
  /// The kernels' pool takes one caller at a time.
  private let pool: Mutex<Pool>
  private let arithmetic: Run.Arithmetic

  /// - Throws: `.config` where an option is wrong, `.device` where the threads cannot be had.
  public init(_ options: BackendOptions) throws(AviaryError) {
    let threads = options.threads ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    guard (1...1024).contains(threads) else { throw AviaryError(.config, "\(threads) threads", wanted: "1...1024", at: "threads") }
    if let device = options.device, device != "0", device != "cpu" {
      throw AviaryError(.config, "device \(device)", wanted: "0, the only one of this backend", at: "device")
    }
    var isa = av_isa_default()
    if let name = options.extra["isa"] ?? environment("AVIARY_ISA") {
      let wanted = av_isa_named(name)
      guard wanted >= 0 else { throw AviaryError(.config, "instruction set \(name)", wanted: "scalar, avx2, avx512 or amx", at: "AVIARY_ISA") }
      isa = av_isa(rawValue: UInt32(wanted))
    }
    guard let pool = Pool(threads: threads, isa: isa) else { throw AviaryError(.device, "no pool of \(threads) threads could be started", at: "cpu") }
    arithmetic = Run.Arithmetic(usesBF16: options.compute == .bf16, isExact: options.compute == .f32)
    if arithmetic.usesBF16, !av_has_bf16_dot() {
      throw AviaryError(.device, "this processor has no bf16 products", wanted: "AVX512_BF16, or compute: f32", at: "compute")
    }
    let chosen = String(cString: av_isa_name(av_pool_isa(pool.handle)))
    let hasTiles = av_pool_isa(pool.handle) == AV_ISA_AMX
    let memory = Int(sysconf(Int32(_SC_PHYS_PAGES))) * Int(sysconf(Int32(_SC_PAGESIZE)))
    var capabilities = Capabilities(
      deviceName: Processor.name,
      details: [
        ("instruction set", chosen == String(cString: av_isa_name(av_isa_best())) ? chosen : "\(chosen) of \(String(cString: av_isa_name(av_isa_best())))"),
        ("bf16 products", !av_has_bf16_dot() ? "no" : hasTiles ? "AMX" : "yes"), ("threads", "\(threads)"), ("arithmetic", arithmetic.usesBF16 ? "bf16 in large products, f32" : "f32"),
        (
          "quantised weights",
          arithmetic.isExact ? "f32 arithmetic" : "8-bit activations, \(String(cString: av_quant_kernels(pool.handle)))\(hasTiles ? "; many rows bf16, AMX" : "")"
        ),
      ],
      memoryBytes: memory, fusions: [.linear, .swiglu],
      weightTypes: [.f32, .f16, .bf16, .q8_0, .q4_0, .q4_1, .q5_0, .q5_1, .q2_k, .q3_k, .q4_k, .q5_k, .q6_k])
    capabilities.roundsActivations = !arithmetic.isExact
    capabilities.readsAnyStrides = true
    self.capabilities = capabilities
    self.pool = Mutex(pool)
  }

  public func supports(_ op: Op, _ dtypes: [DType]) -> Verdict {
    if let dtype = dtypes.first(where: { $0.isQuantised && !capabilities.weightTypes.contains($0) }) { return .unsupported("no kernel reads \(dtype)") }
    return .native
  }

  // MARK: Memory

  public func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? {
    HostBuffer(adopting: pages, owner: owner)
  }

  public func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try HostBuffer(zeroed: byteCount) }

  public func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) {
    let target = try HostBuffer.bytes(of: slice, writing: true)
    guard bytes.count <= target.count else { throw AviaryError(.internal, "\(bytes.count) bytes for \(target.count)", at: "upload") }
    target.copyMemory(from: bytes)
  }

  public func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) {
    let source = try HostBuffer.bytes(of: slice)
    guard source.count <= bytes.count else { throw AviaryError(.internal, "\(source.count) bytes into \(bytes.count)", at: "download") }
    bytes.copyMemory(from: UnsafeRawBufferPointer(source))
  }

  public func measureLimits() -> MachineLimits? {
    let limits = pool.withLock { av_measure_limits($0.handle) }
    return MachineLimits(floatOperations: limits.f32, byteOperations: limits.int8, bytesRead: limits.read)
  }

  // MARK: Running

  public func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    try plan.validate(bindings)
    for slice in bindings.states { _ = try HostBuffer.bytes(of: slice, writing: true) }
    for slice in bindings.weights { _ = try HostBuffer.bytes(of: slice) }
    let arena = try HostBuffer.bytes(of: bindings.arena, writing: true)
    let failure: AviaryError? = pool.withLock { pool in
      let handle = pool.handle
      av_pool_set_cancel(
        handle, { Unmanaged<CancellationFlag>.fromOpaque($0!).takeUnretainedValue().isCancelled }, Unmanaged.passUnretained(cancel).toOpaque())
      av_pool_wake(handle)
      defer {
        av_pool_rest(handle)
        av_pool_set_cancel(handle, nil, nil)
      }
      let run = Run(plan: plan, bindings: bindings, arena: arena.baseAddress ?? emptyBase, pool: handle, arithmetic: arithmetic)
      for step in plan.steps {
        if cancel.isCancelled || av_pool_cancelled(handle) { return AviaryError(.cancelled, "the run was cancelled", at: step.path.description) }
        do throws(AviaryError) { try run.step(step) } catch { return error.at(step.path.description) }
      }
      return av_pool_cancelled(handle) ? AviaryError(.cancelled, "the run was cancelled") : nil
    }
    if let failure { throw failure }
  }
}

/// Owner of the kernels' thread pool.
struct Pool: ~Copyable, @unchecked Sendable {
  // Unchecked: only the holder of the mutex uses it.
  let handle: OpaquePointer

  init?(threads: Int, isa: av_isa) {
    guard let handle = av_pool_create(Int32(threads), isa) else { return nil }
    self.handle = handle
  }

  deinit { av_pool_destroy(handle) }
}

/// An address for memory of no bytes; nothing is read from it or written to it.
nonisolated(unsafe) let emptyBase = UnsafeMutableRawPointer.allocate(byteCount: 64, alignment: 64)

private func environment(_ name: String) -> String? {
  getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
}

import Architectures
import AviaryCore
import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Synchronization
import Testing

/// The keys and values of pictures are computed once, when a picture comes, and read from the cache afterwards, as those of the
/// text are.
struct FlamingoDecodeTests {
  static let cases = ["flamingo-mpt1b-2shot", "flamingo-rpj3b-4shot", "flamingo-idefics-odd"].filter(Golden.has)

  /// Products in the blocks that look at pictures, whose input has as many rows as the pictures: those make keys and values.
  static func picturesKeysAndValues(_ plan: Plan) -> Int {
    plan.steps.count { step in
      let path = step.path.description
      guard path.contains("to_kv") || path.contains("cross_attn.k_proj") || path.contains("cross_attn.v_proj") else { return false }
      switch step.op {
      case .matmul, .linear: return true
      default: return false
      }
    }
  }

  @Test(arguments: cases) func aStepComputesNoKeysOfPictures(_ name: String) throws {
    let backend = PlanRecorder(over: try Backends().open("cpu", BackendOptions()))
    let golden = try GoldenCase(#require(Golden.find(name)))
    let loaded = try Recorded.loader.load(golden.modelFolder, on: backend)
    let request = try golden.requestWithImages(loaded)
    let prepared = try Generator(loaded, features: FeatureCache()).prepare(request)
    let sequence = try TokenSequence(loaded, capacity: prepared.prompt.count + 8)
    var media: [PerceivedMedia] = []
    for (index, image) in prepared.images.enumerated() { media.append(PerceivedMedia(key: "\(index)", rows: try sequence.perceive(image).rows)) }
    #expect(!media.isEmpty)

    backend.reset()
    _ = try sequence.prefill(prepared.prompt, media)
    #expect(backend.counts(Self.picturesKeysAndValues).reduce(0, +) > 0)
    backend.reset()
    var logits: [Float] = []
    for id in [5, 6, 7] as [Int32] { try sequence.decode(id, into: &logits) }
    #expect(backend.counts(Self.picturesKeysAndValues) == [0, 0, 0])

    // Another question about the same pictures finds them there as well.
    backend.reset()
    _ = try sequence.prefill(prepared.prompt, media)
    #expect(backend.counts(Self.picturesKeysAndValues).reduce(0, +) == 0)
  }
}

/// A backend that keeps the plans that another runs.
private final class PlanRecorder: Backend {
  static let id = "recorder"
  private let inner: any Backend
  private let plans = Mutex<[Plan]>([])

  init(_ options: BackendOptions) { inner = Reference(options) }
  init(over inner: any Backend) { self.inner = inner }

  func reset() { plans.withLock { $0 = [] } }
  func counts(_ count: (Plan) -> Int) -> [Int] { plans.withLock { $0 }.map(count) }

  var capabilities: Capabilities { inner.capabilities }
  func supports(_ op: Op, _ dtypes: [DType]) -> Verdict { inner.supports(op, dtypes) }
  func adopt(_ pages: UnsafeRawBufferPointer, owner: any AnyObject & Sendable) throws(AviaryError) -> (any Buffer)? { try inner.adopt(pages, owner: owner) }
  func allocate(_ byteCount: Int) throws(AviaryError) -> any Buffer { try inner.allocate(byteCount) }
  func upload(_ bytes: UnsafeRawBufferPointer, to slice: BufferSlice) throws(AviaryError) { try inner.upload(bytes, to: slice) }
  func download(_ slice: BufferSlice, into bytes: UnsafeMutableRawBufferPointer) throws(AviaryError) { try inner.download(slice, into: bytes) }
  func execute(_ plan: Plan, _ bindings: Bindings, _ cancel: CancellationFlag) throws(AviaryError) {
    plans.withLock { $0.append(plan) }
    try inner.execute(plan, bindings, cancel)
  }
}

import AviaryTensor
import VulkanShaders

/// A block of an encoder and one of a decoder on the device and on `Reference`, step by step: whether a device computes
/// what it should. Run when a device is opened the first time and after its driver or the shaders changed.
struct SelfTest {
  private let machine: Machine
  private let file: CacheFile
  private static let holds = Array("holds".utf8)

  init(_ machine: Machine, folder: String? = Machine.cacheFolder) {
    self.machine = machine
    let info = machine.device.info
    let name = "\(info.uuid)-\(String(info.driverVersion, radix: 16))-\(String(ShaderLibrary.fingerprint, radix: 16))"
    file = CacheFile(folder.map { "\($0)/verdict-\(name).bin" })
  }

  /// - Throws: `.device` with the first operation that is wrong, and its error.
  func require() throws(AviaryError) {
    if machine.isTrusted || file.read() == SelfTest.holds { return }
    if let flaw = try flaw() {
      throw AviaryError(
        .device, "\(machine.device.info.name) (\(machine.device.info.driver)) computes wrongly: \(flaw)", wanted: "the reference's numbers; --force-device uses it all the same",
        at: "self-test")
    }
    machine.isTrusted = true
    file.write(SelfTest.holds)
  }

  /// What is wrong, by operation and module; nil where nothing is. Other errors than wrong numbers are thrown.
  func flaw() throws(AviaryError) -> String? {
    let backend = VulkanBackend(machine)
    let block = SelfTestBlock()
    let plan = Lowering.lower(block.graph, for: backend.capabilities)
    var weights: [BufferSlice] = []
    for weight in block.weights { weights.append(try SelfTest.upload(block.bytes(weight.shape, weight.dtype, seed: UInt64(weight.slot)), to: backend)) }
    let states = [try SelfTest.upload([UInt8](repeating: 0, count: SelfTestBlock.cacheBytes), to: backend)]
    let pixels = block.bytes(SelfTestBlock.pixels, .f32, seed: 77)
    let arena = BufferSlice(try backend.allocate(plan.arenaBytes))
    return try SelfTest.withBytes(pixels) { (raw) throws(AviaryError) -> String? in
      let bindings = Bindings(weights: weights, states: states, inputs: [raw], arena: arena)
      do throws(AviaryError) {
        try CheckedExecution.execute(plan, bindings, on: backend)
        return nil
      } catch {
        if error.kind == .numeric { return error.description }
        throw error
      }
    }
  }

  private static func upload(_ bytes: [UInt8], to backend: VulkanBackend) throws(AviaryError) -> BufferSlice {
    let slice = BufferSlice(try backend.allocate(bytes.count))
    try withBytes(bytes) { (raw) throws(AviaryError) in try backend.upload(raw, to: slice) }
    return slice
  }

  private static func withBytes<R>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(AviaryError) -> R) throws(AviaryError) -> R {
    let result: Result<R, AviaryError> = bytes.withUnsafeBytes { raw in
      do throws(AviaryError) { return .success(try body(raw)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// The graph of the self-test: small, and with the operations of encoders and decoders in their usual order.
final class SelfTestBlock {
  let graph: Graph
  let weights: [Weight]
  static let pixels: Shape = [1, 3, 16, 16]
  static let cacheBytes = 32 * 2 * 16 * 4
  private static let (width, heads, tokens) = (64, 4, 16)

  init() {
    let width = SelfTestBlock.width
    let shapes: [(Shape, DType)] = [
      ([width, 3, 4, 4], .f32), ([width], .f32), ([width], .f32), ([width, width], .f16), ([width], .f32), ([2 * width, width], .bf16),
      ([width, 2 * width], .f32), ([50, width], .f16), ([32, width], .f16), ([8], .f32), ([2 * width, width], .f16),
      ([30, width], .q4_0), ([30, width], .q8_0), ([30, 4 * width], .q4_k),
    ]
    weights = shapes.enumerated().map { Weight(slot: Int32($0.offset), shape: $0.element.0, dtype: $0.element.1) }
    graph = Graph(weights: WeightShapes(weights))
    let w = weights.map { graph.use($0) }
    let rows = graph.within(ModulePath("encoder")) { encoder(w) }
    graph.within(ModulePath("decoder")) { decoder(rows, w) }
  }

  private func encoder(_ w: [Tensor]) -> Tensor {
    let (width, heads, tokens) = (SelfTestBlock.width, SelfTestBlock.heads, SelfTestBlock.tokens)
    var patches = Conv2D()
    (patches.strideH, patches.strideW) = (4, 4)
    let x = graph.input(0, SelfTestBlock.pixels, .f32).conv2d(w[0], patches).reshaped(1, width, tokens).transposed()
    let y = x.layerNorm(w[1], w[2], epsilon: 1e-5)
    let q = (y.matmul(w[3]) + w[4]).reshaped(1, tokens, heads, width / heads)
    let k = y.matmul(w[3]).reshaped(1, tokens, heads, width / heads)
    let z = x + q.attention(k, k, Attention(scale: 0.25)).reshaped(1, tokens, width).matmul(w[3])
    return z + z.matmul(w[5]).unary(.quickGelu).matmul(w[6])
  }

  private func decoder(_ seen: Tensor, _ w: [Tensor]) {
    let (width, tokens) = (SelfTestBlock.width, SelfTestBlock.tokens)
    let words = w[7].gatherRows(graph.iota(4, start: 3)).reshaped(1, 4, width)
    let x = Tensor.concat([seen, words], axis: 1).slice(1, tokens - 4..<tokens + 4)
    let y = x.rmsNorm(w[1], epsilon: 1e-6)
    let places = graph.iota(8)
    let turn = RoPE(rotary: 16)
    let q = y.matmul(w[3]).reshaped(1, 8, 4, 16).rope(turn, positions: places.reshaped(1, 8), inverseFrequencies: w[9])
    let k = y.matmul(w[8]).reshaped(1, 8, 2, 16).rope(turn, positions: places.reshaped(1, 8), inverseFrequencies: w[9])
    let cache = graph.state(0, [32, 2 * 16], .f32).scatterRows(k.reshaped(8, 32), at: places)
    let keys = cache.reshaped(1, 32, 2, 16)
    let z = x + q.attention(keys, keys, Attention(scale: 0.25), positions: places.reshaped(1, 8)).reshaped(1, 8, width).matmul(w[3])
    let up = z.matmul(w[5])
    let mixed = z + (z.matmul(w[10]).unary(.silu) * up).matmul(w[6])
    let last = mixed.slice(1, 7..<8).reshaped(1, width)
    let logits = last.matmul(w[7])
    graph.output(logits)
    graph.output(logits.softmax())
    graph.output(logits.reduce(.argmax))
    graph.output(logits.topK(3, indices: true))
    graph.output(mixed.binary(.less, graph.scalar(0)).select(mixed * 0.5, mixed).clamped(-1, 1))
    graph.output(mixed.reduce(.mean, axis: 1))
    let rows = mixed.reshaped(8, width)
    graph.output(rows.matmul(w[11]))
    graph.output(last.matmul(w[12]))
    graph.output(w[12].gatherRows(graph.iota(2, start: 7)))
    graph.output(rows.reshaped(2, 4 * width).matmul(w[13]))
  }

  /// Numbers between -0.5 and 0.5, the same on every machine.
  func bytes(_ shape: Shape, _ dtype: DType, seed: UInt64) -> [UInt8] {
    var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    let values = (0..<shape.elements).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) * 0x1p-24 - 0.5
    }
    if dtype.isQuantised {
      var blocks = [UInt8](repeating: 0, count: dtype.byteCount(elements: values.count) ?? 0)
      values.withUnsafeBufferPointer { from in blocks.withUnsafeMutableBytes { Quantise.blocks(dtype, from, into: $0) } }
      return blocks
    }
    return values.flatMap { value -> [UInt8] in
      switch dtype {
      case .f16: return withUnsafeBytes(of: f16Bits(value)) { Array($0) }
      case .bf16: return withUnsafeBytes(of: bf16Bits(value)) { Array($0) }
      default: return withUnsafeBytes(of: value) { Array($0) }
      }
    }
  }
}

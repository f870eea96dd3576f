import AviaryTensor

/// A part of a buffer as a shader sees it, with the bytes that it really touches.
struct Bound {
  let buffer: VulkanBuffer
  /// Where the binding starts, aligned as the device wants it, and its bytes.
  let offset: Int
  let range: Int
  /// The view's first element, counted from the start of the binding.
  let first: UInt32
  let touched: Range<Int>
}

/// A part of a buffer that is read through a texel buffer.
struct Texels {
  /// What a texel is: four numbers, four words or two, one half-precision number or two.
  enum Form {
    case four32, fourBits, twoBits, oneHalf, twoHalves
    var bytes: Int {
      switch self {
      case .four32, .fourBits: 16
      case .twoBits: 8
      case .oneHalf: 2
      case .twoHalves: 4
      }
    }
  }
  let bound: Bound
  let form: Form
  /// The view's first texel, counted from the start of the binding.
  let first: UInt32
}

/// One dispatch: a pipeline, what it reads and writes, its parameters, and how much work it is.
struct Dispatch {
  let key: PipelineKey
  let operands: [Bound?]
  let texels: [Texels]
  let output: Bound
  let parameters: [UInt32]
  let groups: Int
  /// In multiply-adds, roughly, of the whole dispatch.
  let work: Double
}

/// Turns the steps of a plan into dispatches.
struct Recorder {
  let device: Device
  let plan: Plan
  let bindings: Bindings
  /// Where each input's bytes are in `inputs`, whose first bytes are the flags.
  let inputs: VulkanBuffer
  let inputOffsets: [Int]
  private(set) var dispatches: [Dispatch] = []
  /// The step that is being recorded, from 1: what a kernel reports a bad id as.
  private(set) var number: UInt32 = 0
  /// Memory between dispatches of one step; whoever submits them keeps it.
  private(set) var scratches: [VulkanBuffer] = []

  init(_ device: Device, _ plan: Plan, _ bindings: Bindings, inputs: VulkanBuffer, inputOffsets: [Int]) {
    (self.device, self.plan, self.bindings, self.inputs, self.inputOffsets) = (device, plan, bindings, inputs, inputOffsets)
    dispatches.reserveCapacity(plan.steps.count + 8)
  }

  mutating func record() throws(AviaryError) {
    for step in plan.steps {
      number += 1
      do throws(AviaryError) { try add(step) } catch { throw error.at("\(step.op)").at(step.path.description) }
    }
  }

  /// Why a step cannot be recorded; nil where it can. What it records is for nobody.
  mutating func refusal(of step: PlanStep) throws(AviaryError) -> String? {
    do throws(AviaryError) {
      try add(step)
      return nil
    } catch {
      guard error.kind == .limit || error.kind == .device else { throw error }
      return error.description
    }
  }

  private mutating func add(_ step: PlanStep) throws(AviaryError) {
    let x = step.operands.map { plan.views[$0] }
    let out = step.output
    if case .unsupported(let reason) = Support.verdict(step.op, x.map(\.dtype) + [out.dtype]) {
      throw AviaryError(.device, "\(step.op) does not run on vulkan: \(reason)", wanted: "--split cpu, or another backend")
    }
    if out.shape.elements == 0 { return }
    switch step.op {
    case .scalar(let value): try fill(out, [value.bitPattern])
    case .iota(let start): try count(out, from: start)
    case .contiguous: try copy(x[0], out)
    case .cast: try cast(x[0], out)
    case .concat(let axis): try concat(x, out, Int(axis))
    case .pad(let axis, let before, _, let value): try pad(x[0], out, Int(axis), Int(before), value)
    case .gatherRows: try gatherRows(x[0], x[1], out)
    case .scatterRows: try scatterRows(x[1], x[2], out)
    case .scatterAddRows: try addRows(x[1], x[2], out)
    case .select: try select(x[0], x[1], x[2], out)
    case .unary(let kind): try unary(kind, x[0], out)
    case .binary(let kind): try binary(kind, x[0], x[1], out)
    case .clamp(let low, let high): try clamp(x[0], out, low, high)
    case .swiglu: try swiglu(x[0], x[1], out)
    case .reduce(let kind, let axis): try reduce(kind, x[0], out, Int(axis))
    case .cumsum(let axis): try cumsum(x[0], out, Int(axis))
    case .topK(let indices): try topK(x[0], out, indices: indices)
    case .softmax: try softmax(x[0], out)
    case .layerNorm(let epsilon): try layerNorm(x[0], x[1], x[2], out, epsilon)
    case .rmsNorm(let epsilon): try rmsNorm(x[0], x[1], out, epsilon)
    case .groupNorm(let groups, let epsilon): try groupNorm(x[0], x[1], x[2], out, Int(groups), epsilon)
    case .matmul(let transposed): try matmul(x[0], x[1], out, transposed: transposed)
    case .linear(let spec): try linear(spec, x, out)
    case .rope(let spec): try rope(spec, x[0], x[1], x[2], out)
    case .attention(let spec): try attention(spec, x, out)
    case .conv2d(let spec): try conv2d(spec, x[0], x[1], out)
    case .pool2d(let spec): try pool2d(spec, x[0], out)
    case .resize2d(let spec): try resize2d(spec, x[0], out)
    case .input, .state, .reshape, .permute, .slice, .expand:
      throw AviaryError(.internal, "a step of \(step.op)", wanted: "an operation that has a kernel", at: "vulkan")
    }
  }

  // MARK: For the operations' files

  /// Work items that a workgroup has where they are independent.
  var groupSize: Int { 64 }
  /// Kernels for a processor's driver, or for a GPU.
  var isProcessor: Bool { device.info.isProcessor && !device.options.usesGPUForms }

  /// - Parameters:
  ///   - items: work items; `perItem` the work of each.
  ///   - size: of a workgroup.
  mutating func dispatch(
    _ shader: String, _ constants: [UInt32], items: Int, size: Int? = nil, perItem: Double, _ operands: [Bound?], _ output: Bound, _ parameters: [UInt32]
  ) {
    let size = size ?? groupSize
    dispatch(shader, size: size, constants, groups: (items + size - 1) / size, work: Double(items) * perItem, operands, output, parameters)
  }

  mutating func dispatch(
    _ shader: String, size: Int, _ constants: [UInt32], groups: Int, work: Double, _ operands: [Bound?], _ output: Bound,
    _ parameters: [UInt32], texels: [Texels] = []
  ) {
    if groups == 0 { return }
    dispatches.append(
      Dispatch(
        key: PipelineKey(shader: shader, constants: [UInt32(size)] + constants), operands: operands, texels: texels, output: output, parameters: parameters, groups: groups,
        work: work))
  }

  /// Memory of at least that size, which the next step may write over.
  mutating func scratch(_ bytes: Int) throws(AviaryError) -> VulkanBuffer {
    if let last = scratches.last, last.roomBytes >= bytes { return last }
    let made = try VulkanBuffer(device, bytes, .own)
    scratches.append(made)
    return made
  }

  /// Takes back what was recorded last.
  mutating func forget(from count: Int) { dispatches.removeSubrange(count...) }

  /// The view through texels of that form; nil where it does not lie at a whole texel, or is too large.
  func texels(_ view: View, _ form: Texels.Form) throws(AviaryError) -> Texels? {
    let size = view.dtype.blockBytes
    let reach = view.bytesReached
    let (buffer, start) = try memory(view.place, view.offset * size, reach)
    return texels(buffer, start, reach, form)
  }

  /// A buffer's bytes through texels of that form; nil as above.
  func texels(_ buffer: VulkanBuffer, _ start: Int, _ reach: Int, _ form: Texels.Form) -> Texels? {
    let bytes = form.bytes
    guard start % bytes == 0 else { return nil }
    let offset = start / device.texelAlignment * device.texelAlignment
    let range = (start + reach - offset + bytes - 1) / bytes * bytes
    guard range / bytes <= Int(device.info.limits.maxTexelBufferElements), offset + range <= buffer.roomBytes else { return nil }
    let bound = Bound(buffer: buffer, offset: offset, range: range, first: 0, touched: start..<start + reach)
    return Texels(bound: bound, form: form, first: UInt32((start - offset) / bytes))
  }

  /// The view's bytes as a binding. Throws `.limit` where they are more than a binding may have.
  func bound(_ view: View) throws(AviaryError) -> Bound {
    let size = view.dtype.blockBytes
    let reach = view.shape.elements == 0 ? 0 : view.bytesReached
    let (buffer, start) = try memory(view.place, view.offset * size, reach)
    guard start % size == 0 else {
      throw AviaryError(.internal, "a view of \(view.dtype) at byte \(start)", wanted: "a multiple of \(size)", at: "vulkan")
    }
    return try bound(buffer, start, reach, size)
  }

  /// A buffer's bytes as a binding, whose first element of `size` bytes is counted from its start.
  private func bound(_ buffer: VulkanBuffer, _ start: Int, _ reach: Int, _ size: Int) throws(AviaryError) -> Bound {
    let end = start + reach
    let offset = start / device.offsetAlignment * device.offsetAlignment
    let range = (max(end - offset, 4) + 3) / 4 * 4
    guard range <= device.largestBinding else {
      throw AviaryError(
        .limit, "an operand of \(range) bytes", wanted: "at most \(device.largestBinding), the largest binding of \(device.info.name)", at: "vulkan")
    }
    return Bound(buffer: buffer, offset: offset, range: range, first: UInt32((start - offset) / size), touched: start..<end)
  }

  func bound(_ view: View?) throws(AviaryError) -> Bound? {
    guard let view else { return nil }
    return try bound(view) as Bound
  }

  /// The two planes of a quantised weight's blocks: the buffer, and the bytes that either has in it.
  private func planes(_ view: View, _ planes: Planes) throws(AviaryError) -> (VulkanBuffer, numbers: Range<Int>, sides: Range<Int>) {
    guard case .weight(let slot) = view.place else {
      throw AviaryError(.internal, "\(view.dtype) at \(view.place)", wanted: "a weight", at: "vulkan")
    }
    let slice = bindings.weights[Int(slot)]
    let count = slice.byteCount / view.dtype.blockBytes
    let whole = slice.offset..<slice.offset + count * view.dtype.blockBytes
    let (buffer, base): (VulkanBuffer, Int)
    if let own = slice.buffer as? VulkanBuffer, own.device === device {
      guard slice.offset % 16 == 0 else { throw AviaryError(.internal, "\(view.dtype) at byte \(slice.offset)", wanted: "a multiple of 16", at: "vulkan") }
      try device.pack(own, Packing(dtype: view.dtype, bytes: whole))
      (buffer, base) = (own, slice.offset)
    } else if let pages = slice.buffer as? AdoptedPages, pages.device === device {
      (buffer, base) = try pages.packed(whole, planes)
    } else {
      throw AviaryError(.internal, "a buffer of another backend or device", wanted: "one of this", at: "vulkan")
    }
    let first = view.offset / view.dtype.blockElements
    let blocks = view.shape.elements == 0 ? 0 : view.bytesReached / view.dtype.blockBytes
    let numbers = base + first * planes.numberBytes
    let sides = base + count * planes.numberBytes + first * planes.sideBytes
    return (buffer, numbers..<numbers + blocks * planes.numberBytes, sides..<sides + blocks * planes.sideBytes)
  }

  /// A weight as kernels read it number by number: its bytes, its scales where these lie apart, and the parameters of
  /// blocks.glsl.
  func weight(_ view: View) throws(AviaryError) -> (bound: Bound, first: UInt32, sides: Bound?, words: [UInt32]) {
    guard let kind = Planes(view.dtype) else {
      let bound: Bound = try bound(view)
      return (bound, bound.first, nil, [0, 0])
    }
    let (buffer, numbers, sides) = try planes(view, kind)
    let bound = try bound(buffer, numbers.lowerBound, numbers.count, 4)
    if kind.areAsInFiles { return (bound, 0, nil, [bound.first, 0]) }
    let side = try self.bound(buffer, sides.lowerBound, sides.count, 2)
    return (bound, 0, side, [bound.first, side.first])
  }

  /// A quantised weight as texels: its whole numbers, and its scales where these lie apart; nil where it is too large.
  func blockTexels(_ view: View) throws(AviaryError) -> (numbers: Texels, sides: Texels?)? {
    guard let kind = Planes(view.dtype) else { return nil }
    let (buffer, numbers, sides) = try planes(view, kind)
    guard let found = texels(buffer, numbers.lowerBound, numbers.count, .fourBits) else { return nil }
    if kind.areAsInFiles { return (found, nil) }
    guard let apart = texels(buffer, sides.lowerBound, sides.count, kind.sideBytes == 2 ? .oneHalf : .twoHalves) else { return nil }
    return (found, apart)
  }

  /// A place's buffer, and the byte in it where `offset` bytes into the place are.
  private func memory(_ place: Place, _ offset: Int, _ count: Int) throws(AviaryError) -> (VulkanBuffer, Int) {
    switch place {
    case .arena(let start): try memory(bindings.arena, start + offset, count)
    case .weight(let slot): try memory(bindings.weights[Int(slot)], offset, count)
    case .state(let slot): try memory(bindings.states[Int(slot)], offset, count)
    case .input(let slot): (inputs, inputOffsets[Int(slot)] + offset)
    }
  }

  private func memory(_ slice: BufferSlice, _ offset: Int, _ count: Int) throws(AviaryError) -> (VulkanBuffer, Int) {
    if let buffer = slice.buffer as? VulkanBuffer, buffer.device === device { return (buffer, slice.offset + offset) }
    if let pages = slice.buffer as? AdoptedPages, pages.device === device {
      let part = try pages.part(slice.offset, slice.byteCount)
      return (part.buffer, part.start + offset)
    }
    throw AviaryError(.internal, "a buffer of another backend or device", wanted: "one of this", at: "vulkan")
  }
}

/// Axes with their strides, joined where they can be walked as one; at least one axis.
struct Walk {
  private(set) var sizes: [Int] = []
  /// By operand, then by axis.
  private(set) var strides: [[Int]]

  /// - Parameter strides: of each operand, by axis of `shape`.
  init(_ shape: [Int], _ strides: [[Int]]) {
    self.strides = Array(repeating: [], count: strides.count)
    for axis in shape.indices where shape[axis] != 1 {
      let last = sizes.count - 1
      if last >= 0, strides.indices.allSatisfy({ self.strides[$0][last] == strides[$0][axis] * shape[axis] }) {
        sizes[last] *= shape[axis]
        for k in strides.indices { self.strides[k][last] = strides[k][axis] }
      } else {
        sizes.append(shape[axis])
        for k in strides.indices { self.strides[k].append(strides[k][axis]) }
      }
    }
    if sizes.isEmpty {
      sizes = [1]
      for k in strides.indices { self.strides[k] = [0] }
    }
  }

  var count: Int { sizes.reduce(1, *) }

  /// The last axis taken off: its size and strides.
  mutating func removeLast() -> (size: Int, strides: [Int]) {
    let lasts = strides.map { $0[sizes.count - 1] }
    for k in strides.indices { strides[k].removeLast() }
    return (sizes.removeLast(), lasts)
  }
}

extension View {
  /// Strides of the axes that there are.
  var steps: [Int] { (0..<shape.count).map { strides[$0] } }
}

/// Parameters one behind the other.
func words(_ parts: [UInt32]...) -> [UInt32] { parts.flatMap { $0 } }

extension [Int] {
  /// As eight parameters.
  var words: [UInt32] { (0..<8).map { $0 < count ? UInt32(self[$0]) : 0 } }
}

import AviaryTensor
import CAviaryKernels

/// One run of a plan: where its operands are, and the pool that its kernels use.
struct Run {
  let plan: Plan
  let bindings: Bindings
  let arena: UnsafeMutableRawPointer
  let pool: OpaquePointer
  let arithmetic: Arithmetic

  /// How products are computed.
  struct Arithmetic {
    /// Large products in bf16 pairs.
    var usesBF16 = false
    /// Quantised weights meet activations in f32, not rounded to 8 bits.
    var isExact = false
  }

  /// Calls the kernel of a step.
  func step(_ step: PlanStep) throws(AviaryError) {
    let out = operand(step.output)
    switch step.op {
    case .scalar(let value): out.address.storeBytes(of: value, as: Float.self)
    case .iota(let start): iota(start, out)
    case .contiguous: copy(x(step, 0), to: out)
    case .cast: cast(x(step, 0), out)
    case .concat(let axis): concat(step, out, Int(axis))
    case .pad(let axis, let before, _, let value): pad(x(step, 0), out, Int(axis), Int(before), value)
    case .gatherRows: try gatherRows(x(step, 0), x(step, 1), out)
    case .scatterRows: try scatterRows(x(step, 1), x(step, 2), out)
    case .scatterAddRows: try scatterAddRows(x(step, 1), x(step, 2), out)
    case .unary(let kind): unary(kind, x(step, 0), out)
    case .binary(let kind): binary(kind, x(step, 0), x(step, 1), out)
    case .select: select(x(step, 0), x(step, 1), x(step, 2), out)
    case .clamp(let low, let high): clamp(x(step, 0), out, low, high)
    case .swiglu: swiglu(x(step, 0), x(step, 1), out)
    case .reduce(let kind, let axis): reduce(kind, x(step, 0), out, Int(axis))
    case .cumsum(let axis): cumsum(x(step, 0), out, Int(axis))
    case .topK(let indices): topK(x(step, 0), out, indices: indices)
    case .softmax: softmax(x(step, 0), out)
    case .matmul(let transposed): matmul(x(step, 0), x(step, 1), out, transposed: transposed)
    case .linear(let spec): linear(spec, step, out)
    case .conv2d(let spec): conv2d(spec, x(step, 0), x(step, 1), out)
    case .pool2d(let spec): pool2d(spec, x(step, 0), out)
    case .resize2d(let spec): resize2d(spec, x(step, 0), out)
    case .layerNorm(let epsilon): layerNorm(x(step, 0), x(step, 1), x(step, 2), out, epsilon)
    case .rmsNorm(let epsilon): rmsNorm(x(step, 0), x(step, 1), out, epsilon)
    case .groupNorm(let groups, let epsilon): groupNorm(x(step, 0), x(step, 1), x(step, 2), out, Int(groups), epsilon)
    case .rope(let spec): rope(spec, x(step, 0), x(step, 1), x(step, 2), out)
    case .attention(let spec): attention(spec, step, out)
    case .input, .state, .reshape, .permute, .slice, .expand:
      throw AviaryError(.internal, "a step of \(step.op)", wanted: "an operation that has a kernel", at: "cpu")
    }
  }

  /// The k-th operand of a step.
  func x(_ step: PlanStep, _ k: Int) -> Operand { operand(plan.views[step.operands.lowerBound + k]) }

  private func operand(_ view: View) -> Operand {
    let base: UnsafeMutableRawPointer?
    switch view.place {
    case .arena(let offset): base = arena + offset
    case .weight(let slot): base = address(bindings.weights[Int(slot)])
    case .state(let slot): base = address(bindings.states[Int(slot)])
    case .input(let slot): base = UnsafeMutableRawPointer(mutating: bindings.inputs[Int(slot)].baseAddress)
    }
    return Operand(address: (base ?? emptyBase) + view.dtype.byteOffset(of: view.offset), view: view)
  }

  /// `execute` has checked the type of every buffer.
  private func address(_ slice: BufferSlice) -> UnsafeMutableRawPointer? {
    unsafeDowncast(slice.buffer, to: HostBuffer.self).bytes.baseAddress.map { $0 + slice.offset }
  }
}

/// A view and where its first element is.
struct Operand {
  let address: UnsafeMutableRawPointer
  let view: View

  var shape: Shape { view.shape }
  var dtype: DType { view.dtype }
  var rank: Int { view.shape.count }
  var type: av_dtype { av_dtype(rawValue: UInt32(view.dtype.rawValue)) }
  var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
  var ints: UnsafeMutablePointer<Int32> { address.assumingMemoryBound(to: Int32.self) }
  var vector: av_vector { av_vector(data: UnsafeRawPointer(address), type: type) }

  func stride(_ axis: Int) -> Int { view.strides[axis < 0 ? axis + rank : axis] }
  func size(_ axis: Int) -> Int { view.shape[axis] }

  /// The same memory `elements` further on.
  func advanced(_ elements: Int) -> Operand { Operand(address: address + dtype.byteOffset(of: elements), view: view) }
}

/// Eight numbers as the kernels' structs hold them.
typealias Eight = (Int64, Int64, Int64, Int64, Int64, Int64, Int64, Int64)

extension PerAxis<Int> {
  var eight: Eight { (Int64(self[0]), Int64(self[1]), Int64(self[2]), Int64(self[3]), Int64(self[4]), Int64(self[5]), Int64(self[6]), Int64(self[7])) }
}

extension Shape {
  /// The sizes, 1 behind the last axis.
  var eight: Eight {
    var sizes = PerAxis<Int>(repeating: 1)
    for axis in 0..<count { sizes[axis] = self[axis] }
    return sizes.eight
  }
}

/// The rows of a view (all but the last axis) as blocks of evenly spaced rows, so that one kernel call does a block.
struct RowBlocks {
  /// Outer axes that do not join with the rows.
  let outer: Int
  let rows: Int
  let rowStride: Int
  private let view: View

  /// - Parameter inner: axes that belong to a row.
  init(_ view: View, inner: Int = 1) {
    self.view = view
    var axis = view.shape.count - inner - 1
    var rows = 1
    var stride = 0
    while axis >= 0 {
      let size = view.shape[axis]
      if size != 1 {
        if rows == 1 {
          stride = view.strides[axis]
        } else if view.strides[axis] != rows * stride {
          break
        }
        rows *= size
      }
      axis -= 1
    }
    outer = max(axis + 1, 0)
    self.rows = rows
    rowStride = stride
  }

  var count: Int { (0..<outer).reduce(1) { $0 * view.shape[$1] } }

  /// Offset of the n-th block's first element.
  func offset(_ block: Int) -> Int {
    var rest = block
    var offset = 0
    for axis in Swift.stride(from: outer - 1, through: 0, by: -1) {
      offset += rest % view.shape[axis] * view.strides[axis]
      rest /= view.shape[axis]
    }
    return offset
  }
}

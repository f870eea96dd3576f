import AviaryTensor
import CAviaryKernels

/// Products with weights and of activations.
extension Run {
  /// (x, weight [n, k], bias?, residual?)
  func linear(_ spec: FusedLinear, _ step: PlanStep, _ out: Operand) {
    linear(spec, x(step, 0), x(step, 1), bias: spec.hasBias ? x(step, 2) : nil, residual: spec.hasResidual ? x(step, spec.hasBias ? 3 : 2) : nil, out)
  }

  private func linear(_ spec: FusedLinear, _ input: Operand, _ weight: Operand, bias: Operand?, residual: Operand?, _ out: Operand) {
    let (n, k) = (weight.size(0), weight.size(1))
    var args = av_linear_args()
    args.n = Int64(n)
    args.k = Int64(k)
    args.w = UnsafeRawPointer(weight.address)
    args.wtype = weight.type
    args.ldw = Int64(k)
    args.ldy = Int64(n)
    if let bias { args.bias = bias.vector }
    args.activation = activation(spec.activation)
    args.bf16 = arithmetic.usesBF16
    args.exact = arithmetic.isExact
    let blocks = RowBlocks(input.view)
    let others = residual.map { RowBlocks($0.view) }
    if let others, others.outer != blocks.outer || others.rows != blocks.rows {
      // The two are spaced differently: row by row.
      for row in 0..<out.shape.elements / max(n, 1) {
        args.m = 1
        args.x = UnsafePointer(input.floats + rowOffset(input, row))
        args.y = out.floats + row * n
        args.residual = residual.map { UnsafePointer($0.floats + rowOffset($0, row)) }
        av_linear(pool, &args)
      }
      return
    }
    args.m = Int64(blocks.rows)
    args.ldx = Int64(blocks.rowStride)
    args.ldr = Int64(others?.rowStride ?? 0)
    for block in 0..<blocks.count {
      args.x = UnsafePointer(input.floats + blocks.offset(block))
      args.y = out.floats + block * blocks.rows * n
      if let residual, let others { args.residual = UnsafePointer(residual.floats + others.offset(block)) }
      av_linear(pool, &args)
    }
  }

  func activation(_ kind: UnaryKind?) -> av_activation {
    switch kind {
    case .relu: AV_ACT_RELU
    case .gelu: AV_ACT_GELU
    case .geluTanh: AV_ACT_GELU_TANH
    case .quickGelu: AV_ACT_QUICK_GELU
    case .silu: AV_ACT_SILU
    default: AV_ACT_NONE
    }
  }

  /// Batched product; a two-dimensional b serves all batches.
  func matmul(_ a: Operand, _ b: Operand, _ out: Operand, transposed: Bool) {
    // Blocks lie along the rows of a weight, which Lowering takes for a linear layer wherever it may fuse.
    if b.dtype.isQuantised { return linear(FusedLinear(), a, b, bias: nil, residual: nil, out) }
    var args = av_matmul_args()
    args.m = a.rank > 1 ? Int64(a.size(-2)) : 1
    args.k = Int64(a.size(-1))
    args.n = Int64(out.size(-1))
    args.a = UnsafePointer(a.floats)
    args.b = UnsafeRawPointer(b.address)
    args.b_type = b.type
    args.bf16 = arithmetic.usesBF16
    args.y = out.floats
    args.a_row = a.rank > 1 ? Int64(a.stride(-2)) : 0
    args.a_col = Int64(a.stride(-1))
    args.b_row = Int64(transposed ? b.stride(-1) : b.stride(-2))
    args.b_col = Int64(transposed ? b.stride(-2) : b.stride(-1))
    args.y_row = args.n
    let batches = max(a.rank - 2, 0)
    args.batch_rank = Int32(batches)
    withUnsafeMutableBytes(of: &args.batch) { sizes in
      for axis in 0..<batches { sizes.storeBytes(of: Int64(a.size(axis)), toByteOffset: axis * 8, as: Int64.self) }
    }
    withUnsafeMutableBytes(of: &args.a_batch) { strides in
      for axis in 0..<batches { strides.storeBytes(of: Int64(a.stride(axis)), toByteOffset: axis * 8, as: Int64.self) }
    }
    withUnsafeMutableBytes(of: &args.b_batch) { strides in
      for axis in 0..<batches { strides.storeBytes(of: Int64(b.rank > 2 ? b.stride(axis) : 0), toByteOffset: axis * 8, as: Int64.self) }
    }
    withUnsafeMutableBytes(of: &args.y_batch) { strides in
      for axis in 0..<batches { strides.storeBytes(of: Int64(out.stride(axis)), toByteOffset: axis * 8, as: Int64.self) }
    }
    av_matmul(pool, &args)
  }
}

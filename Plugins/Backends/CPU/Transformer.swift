import AviaryTensor
import CAviaryKernels

/// Rotary positions and attention.
extension Run {
  /// x [..., t, h, d] at positions [..., t].
  func rope(_ spec: RoPE, _ x: Operand, _ positions: Operand, _ frequencies: Operand, _ out: Operand) {
    var args = av_rope_args()
    (args.heads, args.head, args.dims) = (Int64(x.size(-2)), Int64(x.size(-1)), Int64(spec.rotary))
    args.inv_freq = UnsafePointer(frequencies.floats)
    args.attention_factor = spec.scale
    args.interleaved = spec.interleaved
    args.x_head = Int64(x.stride(-2))
    args.y_head = args.head
    args.y_token = args.heads * args.head
    let blocks = RowBlocks(x.view, inner: 2)
    args.tokens = Int64(blocks.rows)
    args.x_token = Int64(blocks.rowStride)
    for block in 0..<blocks.count {
      args.x = UnsafePointer(x.floats + blocks.offset(block))
      args.y = out.floats + block * blocks.rows * Int(args.y_token)
      args.positions = UnsafePointer(positions.ints + block * blocks.rows)
      av_rope(pool, &args)
    }
  }

  func attention(_ spec: Attention, _ step: PlanStep, _ out: Operand) {
    let (q, k, v) = (x(step, 0), x(step, 1), x(step, 2))
    var args = av_attention_args()
    (args.batch, args.tq, args.heads, args.head) = (Int64(q.size(0)), Int64(q.size(1)), Int64(q.size(2)), Int64(q.size(3)))
    (args.tk, args.kv_heads, args.v_head) = (Int64(k.size(1)), Int64(k.size(2)), Int64(v.size(3)))
    args.q = UnsafePointer(q.floats)
    (args.q_batch, args.q_token, args.q_head) = (Int64(q.stride(0)), Int64(q.stride(1)), Int64(q.stride(2)))
    args.k = UnsafeRawPointer(k.address)
    args.v = UnsafeRawPointer(v.address)
    args.kv_type = k.type
    (args.k_batch, args.k_token, args.k_head) = (Int64(k.stride(0)), Int64(k.stride(1)), Int64(k.stride(2)))
    (args.v_batch, args.v_token, args.v_head_stride) = (Int64(v.stride(0)), Int64(v.stride(1)), Int64(v.stride(2)))
    args.out = out.floats
    (args.out_batch, args.out_token, args.out_head) = (Int64(out.stride(0)), Int64(out.stride(1)), Int64(out.stride(2)))
    args.scale = spec.scale
    args.softcap = spec.softcap
    args.window = Int64(spec.window)
    var next = 3
    if spec.hasPositions {
      args.positions = UnsafePointer(x(step, next).ints)
      args.positions_batch = args.tq
      next += 1
    }
    if spec.hasBias {
      let bias = x(step, next)
      args.bias = UnsafePointer(bias.floats)
      args.bias_batch = bias.size(0) == 1 ? 0 : Int64(bias.stride(0))
      args.bias_head = bias.size(1) == 1 ? 0 : Int64(bias.stride(1))
      args.bias_row = Int64(bias.stride(2))
    }
    av_attention(pool, &args)
  }
}

import AviaryTensor
import CAviaryKernels

/// Operations on pictures [n, channels, h, w].
extension Run {
  func conv2d(_ spec: Conv2D, _ x: Operand, _ weight: Operand, _ out: Operand) {
    var args = av_conv2d_args()
    (args.n, args.channels, args.h, args.w) = (Int64(x.size(0)), Int64(x.size(1)), Int64(x.size(2)), Int64(x.size(3)))
    (args.out_channels, args.kh, args.kw) = (Int64(weight.size(0)), Int64(weight.size(2)), Int64(weight.size(3)))
    args.groups = Int64(spec.groups)
    (args.stride_y, args.stride_x) = (Int64(spec.strideH), Int64(spec.strideW))
    (args.dilation_y, args.dilation_x) = (Int64(spec.dilationH), Int64(spec.dilationW))
    (args.pad_top, args.pad_left) = (Int64(spec.top), Int64(spec.left))
    (args.oh, args.ow) = (Int64(out.size(2)), Int64(out.size(3)))
    args.x = UnsafePointer(x.floats)
    args.weight = UnsafeRawPointer(weight.address)
    args.weight_type = weight.type
    args.y = out.floats
    av_conv2d(pool, &args)
  }

  func pool2d(_ spec: Pool2D, _ x: Operand, _ out: Operand) {
    var args = av_pool2d_args()
    args.planes = Int64(x.size(0) * x.size(1))
    (args.h, args.w, args.oh, args.ow) = (Int64(x.size(2)), Int64(x.size(3)), Int64(out.size(2)), Int64(out.size(3)))
    (args.kh, args.kw, args.stride_y, args.stride_x) = (Int64(spec.kernelH), Int64(spec.kernelW), Int64(spec.strideH), Int64(spec.strideW))
    (args.pad_top, args.pad_left) = (Int64(spec.padH), Int64(spec.padW))
    args.average = spec.kind == .mean
    args.count_include_pad = true
    args.x = UnsafePointer(x.floats)
    args.y = out.floats
    av_pool2d(pool, &args)
  }

  func resize2d(_ spec: Resize2D, _ x: Operand, _ out: Operand) {
    var args = av_resize_args()
    args.planes = Int64(x.shape.elements / max(x.size(-1) * x.size(-2), 1))
    (args.h, args.w, args.oh, args.ow) = (Int64(x.size(-2)), Int64(x.size(-1)), Int64(out.size(-2)), Int64(out.size(-1)))
    args.kind = av_resize_kind(rawValue: UInt32(spec.mode.rawValue))
    args.align_corners = spec.alignCorners && spec.mode != .nearest
    args.cubic_a = spec.cubicA
    args.x = UnsafePointer(x.floats)
    args.y = out.floats
    av_resize2d(pool, &args)
  }
}

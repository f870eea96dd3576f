import AviaryTensor

extension ContractCase {
  static let spatial: [ContractCase] = convolutions + pools + resizes

  private static func convolution(
    _ name: String, _ input: Shape, _ kernel: Shape, _ dtype: DType = .f32, _ change: @escaping @Sendable (inout Conv2D) -> Void = { _ in }
  ) -> ContractCase {
    ContractCase("conv2d \(name) \(dtype)", weights: [(kernel, dtype)]) { r in
      var spec = Conv2D()
      change(&spec)
      r.each([input]) { [spec] in r.operand($0).conv2d(r.weight(0), spec) }
    }
  }

  private static let convolutions: [ContractCase] =
    [DType.f32, .f16, .bf16].flatMap { dtype in
      [
        convolution("1x1", [2, 3, 5, 7], [17, 3, 1, 1], dtype),
        convolution("patches", [2, 3, 28, 42], [5, 3, 14, 14], dtype) { ($0.strideH, $0.strideW) = (14, 14) },
        convolution("padded", [1, 3, 9, 7], [4, 3, 3, 3], dtype) { ($0.top, $0.left, $0.bottom, $0.right) = (1, 1, 1, 1) },
      ]
    } + [
      convolution("one pixel", [1, 1, 1, 1], [1, 1, 1, 1]),
      convolution("as large as the picture", [1, 2, 3, 5], [3, 2, 3, 5]),
      convolution("depthwise", [2, 6, 9, 8], [6, 1, 3, 3]) { ($0.groups, $0.top, $0.bottom) = (6, 1, 1) },
      convolution("two groups", [1, 4, 6, 6], [6, 2, 3, 2]) { ($0.groups, $0.strideH) = (2, 2) },
      convolution("asymmetric padding", [1, 2, 5, 6], [3, 2, 3, 3]) { ($0.bottom, $0.right, $0.strideH, $0.strideW) = (1, 1, 2, 2) },
      convolution("dilated", [1, 2, 9, 11], [3, 2, 3, 3]) { ($0.dilationH, $0.dilationW, $0.left) = (2, 3, 2) },
      convolution("no pictures", [0, 3, 5, 5], [2, 3, 3, 3]),
      convolution("no channels out", [1, 3, 5, 5], [0, 3, 3, 3]),
    ]

  private static let pools: [ContractCase] = [Pool2D.Kind.max, .mean].map { kind in
    ContractCase("pool2d \(kind)") { r in
      let shapes: [Shape] = [[1, 1, 3, 3], [2, 3, 17, 5], [1, 2, 33, 8], [0, 2, 4, 4]]
      for (kernel, stride, pad) in [(1, 1, 0), (2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 3, 0)] {
        r.each(shapes) { shape in
          var spec = Pool2D(kind, kernel: kernel, stride: stride)
          (spec.padH, spec.padW) = (Int32(pad), Int32(pad))
          return r.operand(shape).pool2d(spec)
        }
      }
    }
  }

  private static let resizes: [ContractCase] = [Resize2D.Mode.nearest, .bilinear, .bicubic].flatMap { mode in
    [false, true].map { corners in
      ContractCase("resize2d \(mode)\(corners ? " corners" : "")") { r in
        var spec = Resize2D(mode)
        spec.alignCorners = corners
        for (height, width) in [(1, 1), (7, 5), (17, 33), (3, 65), (0, 3)] {
          r.each([[1, 1, 1, 1], [2, 3, 5, 4], [1, 2, 17, 16], [0, 1, 2, 2]]) { [spec] in r.operand($0).resize2d(spec, height: height, width: width) }
        }
      }
    }
  }
}

import AviaryTensor
import TensorTestSupport
import Testing

@Suite struct ReferenceSpatialTests {
  /// scipy.signal.correlate2d on padded pixels, with the dilated kernel spelt out.
  @Test func convolutionWithGroupsStridesPaddingAndDilation() throws {
    var spec = Conv2D()
    (spec.strideH, spec.top, spec.bottom, spec.right, spec.dilationW, spec.groups) = (2, 1, 2, 1, 2, 2)
    let found = try evaluate([.pattern([1, 4, 5, 4])], weights: [.pattern([2, 2, 3, 2], 9)]) { [spec] x, w in x[0].conv2d(w[0], spec) }
    #expect(
      found == [
        0.8125, -1.25, -1.375, 1.4375, 0.4375, -2.0625, 0.5, 1.6875, -0.875, -0.1875, -1.8125, -1.5625, -0.375, 3.75, -1.125, 0, -1.8125, -0.125,
      ])
  }

  @Test(arguments: [
    (Pool2D.Kind.max, [1.25, 1.25, 1, 1, 1.25, 0.75]),
    (.mean, [-0.02777778, 0.02777778, -0.1388889, 0, 0.02777778, -0.1666667]),
  ]) func pooling(_ kind: Pool2D.Kind, _ wanted: [Double]) throws {
    var spec = Pool2D(kind, kernel: 3, stride: 2)
    (spec.padH, spec.padW) = (1, 1)
    let found = try evaluate([.pattern([1, 1, 4, 5])]) { [spec] x, _ in x[0].pool2d(spec) }
    #expect(areClose(found, wanted), "\(found)")
  }

  static let resized: [(Resize2D.Mode, Bool, [Double])] = [
    (.nearest, false, [-0.5, 1.25, 0.25, -0.5, 1.25, 0.25, 1, 0, -1, 1, 0, -1, -0.25, -1.25, 0.5]),
    (
      .bilinear, false,
      [
        -0.2083333, 0.75, -0.5833333, 0.2083333, 0.25, -0.1666667, 0.8333333, -0.5, 0.4583333, 0.08333333, -0.425, -0.01666667, -0.4166667,
        -0.375, -0.3333333,
      ]
    ), (.bilinear, true, [-0.5, 0.75, -0.75, 0.25, 0.125, 0, 1, -0.5, 0.75, 0.375, -0.4375, 0.125, -0.25, -0.375, -0.5]),
    (
      .bicubic, false,
      [
        -0.3375926, 1.177312, -0.7299537, 0.2908218, 0.2951875, -0.136831, 0.8738426, -0.7578125, 0.4814815, 0.1592072, -0.6506563, 0.06682523,
        -0.5484838, -0.33825, -0.4036273,
      ]
    ),
    (
      .bicubic, true,
      [
        -0.5, 1.007812, -0.75, 0.3671875, 0.08911133, 0.1171875, 1, -0.7578125, 0.75, 0.515625, -0.7319336, 0.265625, -0.25, -0.375, -0.5,
      ]
    ),
  ]

  @Test(arguments: resized.indices) func resizing(_ i: Int) throws {
    let (mode, corners, wanted) = Self.resized[i]
    var spec = Resize2D(mode)
    spec.alignCorners = corners
    let found = try evaluate([.pattern([1, 1, 3, 4])]) { [spec] x, _ in x[0].resize2d(spec, height: 5, width: 3) }
    #expect(areClose(found, wanted), "\(mode) \(corners): \(found)")
  }

  /// Pillow's bicubic has a = -0.5 and, away from the border and when enlarging, the same weights.
  @Test func cubicParameterAgreesWithPillow() throws {
    var spec = Resize2D(.bicubic)
    spec.cubicA = -0.5
    let found = try evaluate([.pattern([1, 1, 8, 8])]) { [spec] x, _ in x[0].resize2d(spec, height: 16, width: 16) }
    #expect(areClose(Array(found[7 * 16 + 4..<7 * 16 + 12]), [0.8097992, 1.061752, 0.3915558, -0.256485, -0.88237, -0.6289062, 0.5039062, 0.7603912]))
  }
}

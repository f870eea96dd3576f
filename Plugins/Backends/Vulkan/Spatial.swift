import AviaryTensor

/// Pictures: NCHW, contiguous.
extension Recorder {
  mutating func conv2d(_ spec: Conv2D, _ x: View, _ kernel: View, _ out: View) throws(AviaryError) {
    let (channels, kh, kw) = (kernel.shape[1], kernel.shape[2], kernel.shape[3])
    if isProcessor, spec.groups == 1, try convolved(spec, x, kernel, out) { return }
    let (from, weights, to): (Bound, Bound, Bound) = (try bound(x), try bound(kernel), try bound(out))
    let head: [UInt32] = [UInt32(out.shape.elements), from.first, weights.first, to.first]
    let sizes = [x.shape[1], x.shape[2], x.shape[3], out.shape[1], out.shape[2], out.shape[3], channels, kh, kw].map { UInt32($0) }
    let steps = [spec.strideH, spec.strideW, spec.top, spec.left, spec.dilationH, spec.dilationW].map { UInt32(bitPattern: $0) }
    dispatch(
      "conv2d", [UInt32(kernel.dtype.rawValue)], items: out.shape.elements, size: 32, perItem: 8 * Double(channels * kh * kw), [from, weights], to,
      words(head, sizes, steps, [UInt32(out.shape[1] / Int(spec.groups))]))
  }

  /// As a product: what each pixel sees becomes a row of scratch memory; whether it can.
  private mutating func convolved(_ spec: Conv2D, _ x: View, _ kernel: View, _ out: View) throws(AviaryError) -> Bool {
    let terms = kernel.shape.dropFirst().elements
    let (channels, pixels) = (out.shape[1], out.shape[2] * out.shape[3])
    let bytes = pixels * terms * 4
    guard terms % 4 == 0, terms >= 16, channels >= 4, pixels >= 4, bytes <= device.largestBinding - device.offsetAlignment else { return false }
    let matrix = View(contiguous: [channels, terms], kernel.dtype, at: kernel.place).moved(to: kernel.offset)
    let scratch = try scratch(bytes)
    guard let rows = texels(scratch, 0, bytes, .four32) else { return false }
    for picture in 0..<out.shape[0] {
      let (source, target) = (x.part(0, picture, 1), out.part(0, picture, 1))
      let product = Product(a: source, b: matrix, out: target, n: channels, k: terms, stepN: terms, stepK: 1, lead: [], strides: [[], [], [], []])
      // Recorded behind what fills the rows; where it cannot be, nothing has been recorded.
      let from: Bound = try bound(source)
      let head: [UInt32] = [UInt32(pixels * terms), from.first, UInt32(terms)]
      let sizes = [x.shape[2], x.shape[3], out.shape[3], kernel.shape[2], kernel.shape[3]].map { UInt32($0) }
      let steps = [spec.strideH, spec.strideW, spec.top, spec.left, spec.dilationH, spec.dilationW].map { UInt32(bitPattern: $0) }
      let count = dispatches.count
      dispatch("patches", [], items: pixels * terms, perItem: 30, [from], Bound(buffer: scratch, offset: 0, range: bytes, first: 0, touched: 0..<bytes), words(head, sizes, steps))
      guard try emitFetched(product, Walk([], [[], [], [], []]), pixels, [terms, 0, 1, 0], a: rows, columnStep: pixels) else {
        forget(from: count)
        return false
      }
    }
    return true
  }

  mutating func pool2d(_ spec: Pool2D, _ x: View, _ out: View) throws(AviaryError) {
    let (from, to): (Bound, Bound) = (try bound(x), try bound(out))
    let sizes = [x.shape[2], x.shape[3], out.shape[2], out.shape[3]].map { UInt32($0) }
    let steps = [spec.kernelH, spec.kernelW, spec.strideH, spec.strideW, spec.padH, spec.padW].map { UInt32(bitPattern: $0) }
    dispatch(
      "pool", [spec.kind == .max ? 1 : 0], items: out.shape.elements, perItem: 10 * Double(spec.kernelH * spec.kernelW), [from], to,
      words([UInt32(out.shape.elements), from.first, to.first], sizes, steps))
  }

  mutating func resize2d(_ spec: Resize2D, _ x: View, _ out: View) throws(AviaryError) {
    let (from, to): (Bound, Bound) = (try bound(x), try bound(out))
    let sizes = [x.shape[2], x.shape[3], out.shape[2], out.shape[3]]
    // In Floats as PyTorch computes them, on the host, where division is exact.
    func step(_ source: Int, _ target: Int) -> Float {
      if spec.mode != .nearest, spec.alignCorners { return target > 1 ? Float(source - 1) / Float(target - 1) : 0 }
      return Float(source) / Float(target)
    }
    let corners: UInt32 = spec.alignCorners && spec.mode != .nearest ? 1 : 0
    let tail: [UInt32] = [corners, spec.cubicA.bitPattern, step(sizes[0], sizes[2]).bitPattern, step(sizes[1], sizes[3]).bitPattern]
    dispatch(
      "resize", [UInt32(spec.mode.rawValue)], items: out.shape.elements, perItem: 160, [from], to,
      words([UInt32(out.shape.elements), from.first, to.first], sizes.map { UInt32($0) }, tail))
  }
}

extension View {
  /// The same from another element on.
  fileprivate func moved(to offset: Int) -> View {
    var view = self
    view.offset = offset
    return view
  }
}

import AviaryTensor

/// Products and convolutions.
extension Backward {
  func matmul(_ transposed: Bool) -> [Tensor?] {
    let (a, b) = (operands[0], operands[1])
    let da = wants[0] ? (b.dtype.isQuantised ? throughBlocks(b) : dy.matmul(b, transposed: !transposed)) : nil
    guard wants[1] else { return [da, nil] }
    // A matrix that serves all batches sees them as more rows.
    let rows = b.rank == 2 ? a.reshaped(-1, a.size(a.rank - 1)) : a
    let dys = b.rank == 2 ? dy.reshaped(-1, dy.size(dy.rank - 1)) : dy
    let db = transposed ? dys.transposed().matmul(rows, transposed: false) : rows.transposed().matmul(dys, transposed: false)
    return [da, db]
  }

  /// dy through a quantised weight [out, in], which products read along its rows only: pieces of its rows as f32, one after the
  /// other, so that the weight is never whole in memory as floats.
  private func throughBlocks(_ weight: Tensor) -> Tensor {
    let (outs, ins) = (weight.size(0), weight.size(1))
    let rows = max(1, Self.floatsOfAPiece / ins)
    return stride(from: 0, to: outs, by: rows).reduce(nil as Tensor?) { sum, start in
      let range = start..<min(start + rows, outs)
      let part = dy.slice(dy.rank - 1, range).matmul(weight.slice(0, range).asFloat, transposed: false)
      return sum.map { $0 + part } ?? part
    } ?? dy
  }

  /// 4 MiB.
  private static let floatsOfAPiece = 1 << 20

  func conv2d(_ spec: Conv2D) -> [Tensor?] {
    let kernel = operands[1]
    return [wants[0] ? convolutionInput(spec, kernel) : nil, wants[1] ? convolutionKernel(spec, kernel.shape) : nil]
  }

  /// dy spread by the strides, convolved with the kernel turned around.
  private func convolutionInput(_ spec: Conv2D, _ kernel: Tensor) -> Tensor {
    let groups = Int(spec.groups)
    let (outs, perGroup, kh, kw) = (kernel.size(0), kernel.size(1), kernel.size(2), kernel.size(3))
    let turned = kernel.asFloat.reshaped(groups, outs / groups, perGroup, kh * kw)
      .permuted(3, 0, 2, 1)  // [kh kw, groups, in per group, out per group]
      .gatherRows(graph.descending(kh * kw))
      .permuted(1, 2, 3, 0)
      .reshaped(groups * perGroup, outs / groups, kh, kw)
    // Full correlation: what the input's first element saw stands `reach` in front of dy's first.
    let reach = ((kh - 1) * Int(spec.dilationH), (kw - 1) * Int(spec.dilationW))
    let size = (x.size(2) + Int(spec.top + spec.bottom) + reach.0, x.size(3) + Int(spec.left + spec.right) + reach.1)
    let wide = dy.spread(2, Int(spec.strideH)).fitted(2, before: reach.0, size: size.0)
      .spread(3, Int(spec.strideW)).fitted(3, before: reach.1, size: size.1)
    var plain = Conv2D()
    (plain.dilationH, plain.dilationW, plain.groups) = (spec.dilationH, spec.dilationW, spec.groups)
    let padded = wide.conv2d(turned, plain)
    return padded.slice(2, Int(spec.top)..<Int(spec.top) + x.size(2)).slice(3, Int(spec.left)..<Int(spec.left) + x.size(3))
  }

  private func convolutionKernel(_ spec: Conv2D, _ kernel: Shape) -> Tensor {
    let (kh, kw) = (kernel[2], kernel[3])
    let isPatches =
      Int(spec.strideH) == kh && Int(spec.strideW) == kw && spec.groups == 1 && spec.dilationH == 1 && spec.dilationW == 1
      && spec.top + spec.left + spec.bottom + spec.right == 0
    return isPatches ? patchKernel(kernel) : slidingKernel(spec, kernel)
  }

  /// Where the stride is the kernel, one product of all patches.
  private func patchKernel(_ kernel: Shape) -> Tensor {
    let (n, c, oh, ow, kh, kw) = (x.size(0), x.size(1), dy.size(2), dy.size(3), kernel[2], kernel[3])
    let patches = x.slice(2, 0..<oh * kh).slice(3, 0..<ow * kw)
      .reshaped(n, c, oh, kh, ow, kw).permuted(0, 2, 4, 1, 3, 5).reshaped(n * oh * ow, c * kh * kw)
    let rows = dy.permuted(1, 0, 2, 3).reshaped(kernel[0], n * oh * ow)
    return rows.matmul(patches, transposed: false).reshaped(kernel.dims)
  }

  /// One product for each element of the kernel, over what that element saw.
  private func slidingKernel(_ spec: Conv2D, _ kernel: Shape) -> Tensor {
    let (groups, n, oh, ow) = (Int(spec.groups), x.size(0), dy.size(2), dy.size(3))
    let (outs, perGroup, kh, kw) = (kernel[0], kernel[1], kernel[2], kernel[3])
    let padded = x.padded(2, before: Int(spec.top), after: Int(spec.bottom)).padded(3, before: Int(spec.left), after: Int(spec.right))
    let rows = dy.reshaped(n, groups, outs / groups, oh * ow).permuted(1, 2, 0, 3).reshaped(groups, outs / groups, n * oh * ow)
    var parts: [Tensor] = []
    for i in 0..<kh {
      for j in 0..<kw {
        let (top, left) = (i * Int(spec.dilationH), j * Int(spec.dilationW))
        let seen = padded.slice(2, top..<top + (oh - 1) * Int(spec.strideH) + 1, step: Int(spec.strideH))
          .slice(3, left..<left + (ow - 1) * Int(spec.strideW) + 1, step: Int(spec.strideW))
          .reshaped(n, groups, perGroup, oh * ow).permuted(1, 2, 0, 3).reshaped(groups, perGroup, n * oh * ow)
        parts.append(rows.matmul(seen).reshaped(1, outs * perGroup))
      }
    }
    return Tensor.concat(parts, axis: 0).transposed().reshaped(kernel.dims)
  }
}

extension Tensor {
  /// Stored types as f32.
  var asFloat: Tensor { cast(.f32) }
}

extension Graph {
  /// count - 1, ..., 0 as i32.
  func descending(_ count: Int) -> Tensor {
    scalar(Float(count - 1)).cast(.i32).expanded(to: [count]).binary(.subtract, iota(count))
  }
}

import AviaryTensor

/// Products in the form for a processor's driver: every operand through texel buffers.
extension Recorder {
  /// Where the operands lie at whole texels; whether they do.
  /// - Parameters:
  ///   - ready: a, where it is not the product's own.
  ///   - columnStep: of the output, in elements.
  mutating func emitFetched(
    _ p: Product, _ walk: Walk, _ m: Int, _ rows: [Int], a ready: Texels? = nil, columnStep: Int = 1
  ) throws(AviaryError) -> Bool {
    guard p.stepK == 1, p.k > 0, p.k % 4 == 0, (walk.strides[0] + [rows[0]]).allSatisfy({ $0 % 4 == 0 }) else { return false }
    let own = ready == nil ? try texels(p.a, .four32) : nil
    guard let a = ready ?? own, let b = try Weights(p, walk, self) else { return false }
    let out: Bound = try bound(p.out)
    let (bias, residual): (Bound?, Bound?) = (try bound(p.bias), try bound(p.residual))
    let (tileRows, tileColumns) = m == 1 ? (1, 4) : (4, 4)
    // Subgroups of eight; four of them where there are tiles enough for every thread.
    let width = m > 8 && p.n >= 512 ? 32 : 8
    let head: [UInt32] = [m, p.n, p.k, walk.count, walk.sizes.count].map { UInt32($0) }
    let firsts: [UInt32] = [a.first, b.first, out.first, bias?.first ?? 0, residual?.first ?? 0]
    let steps: [UInt32] = [rows[0] / 4, rows[2], rows[3], p.stepN / b.per].map { UInt32($0) }
    let strides = [walk.strides[0].map { $0 / 4 }, walk.strides[1].map { $0 / b.per }, walk.strides[2], walk.strides[3]]
    let parameters = words(head, firsts, steps, b.firsts, walk.sizes.words, strides.flatMap { $0.words }, [UInt32(columnStep)])
    let rules: [UInt32] = [p.bias == nil ? 0 : 1, p.activation.map { UInt32($0.rawValue) } ?? 99, p.residual == nil ? 0 : 1]
    let tile: [UInt32] = [UInt32(tileRows), UInt32(tileColumns), b.isNarrow ? 1 : 0]
    let across = (p.n + width * tileColumns - 1) / (width * tileColumns)
    let groups = across * ((m + tileRows - 1) / tileRows) * walk.count
    // Tiles at the border do the work of whole ones; several rows share what is unpacked.
    let work = Double(groups * width * tileColumns * tileRows) * Double(p.k + 20) / (m == 1 ? 2 : 3)
    let constants = words([UInt32(p.b.dtype.rawValue)], rules, tile)
    let isShuffled = device.info.shuffles && device.info.subgroupSize == 8 && !device.options.avoidsShuffles
    // A binding that is not read must still be something.
    dispatch(
      isShuffled ? "shuffled" : "linear", size: width, constants, groups: groups, work: work, [nil, nil, bias, residual], out, parameters,
      texels: [a, b.texels, b.sides ?? a])
    return true
  }

  /// b of a product in texels.
  private struct Weights {
    let texels: Texels
    var sides: Texels?
    /// Elements of what its strides count in: texels, or blocks.
    let per: Int
    /// Parameters 6, and 14 and 15.
    let first: UInt32
    var firsts: [UInt32] = [0, 0]
    /// Whether it, or some row of it, starts eight bytes behind a multiple of sixteen.
    var isNarrow = false

    init?(_ p: Product, _ walk: Walk, _ recorder: Recorder) throws(AviaryError) {
      let dtype = p.b.dtype
      if dtype.isQuantised {
        guard let found = try recorder.blockTexels(p.b) else { return nil }
        (texels, sides) = found
        per = dtype.blockElements
        first = 0
        firsts = [found.numbers.first, found.sides?.first ?? 0]
        return
      }
      let size = dtype.blockBytes
      let steps = (walk.strides[1] + [p.stepN]).map { $0 * size }
      guard size == 4 || size == 2, steps.allSatisfy({ $0 % 8 == 0 }), let narrow = try recorder.texels(p.b, .twoBits) else { return nil }
      // Sixteen bytes at once, or twice eight where a file or a row has them eight bytes behind such a place.
      isNarrow = narrow.first % 2 == 1 || p.k * size % 16 != 0 || steps.contains { $0 % 16 != 0 }
      guard let found = isNarrow ? narrow : try recorder.texels(p.b, .fourBits) else { return nil }
      (texels, first) = (found, found.first)
      per = (isNarrow ? 8 : 16) / size
    }
  }
}

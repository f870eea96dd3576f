extension Reference {
  func copy(_ x: Operand, _ out: Operand) {
    for (to, from) in zip(out.view.inBlocks.offsets, x.view.inBlocks.offsets) { out.copyElement(to, from: x, from) }
  }

  func cast(_ x: Operand, _ out: Operand) {
    if x.dtype == out.dtype { copy(x, out) } else { out.store(x.values()) }
  }

  func concat(_ parts: [Operand], _ out: Operand, _ axis: Int) {
    var start = 0
    for part in parts {
      let length = part.shape[axis]
      copy(part, Operand(base: out.base, view: out.view.sliced(axis, start: start, step: 1, length: length)))
      start += length
    }
  }

  func pad(_ x: Operand, _ out: Operand, _ axis: Int, _ before: Int, _ value: Float) {
    out.view.forEachOffset { out.store(Double(value), $0) }
    copy(x, Operand(base: out.base, view: out.view.sliced(axis, start: before, step: 1, length: x.shape[axis])))
  }

  func gatherRows(_ table: Operand, _ ids: Operand, _ out: Operand) throws(AviaryError) {
    let rows = try checked(ids, below: table.shape[0])
    // The output's leading axes are those of the ids: seen as [ids, row...].
    var flat = out.view
    flat.shape = Shape([rows.count] + table.shape.dims.dropFirst())
    flat.strides = View.rowMajor(flat.shape)
    let target = Operand(base: out.base, view: flat)
    for (i, id) in rows.enumerated() { cast(table.row(id), target.row(i)) }
  }

  /// All ids are checked before the first row is written.
  func scatterRows(_ rows: Operand, _ ids: Operand, _ target: Operand) throws(AviaryError) {
    for (i, id) in try checked(ids, below: target.shape[0]).enumerated() { cast(rows.row(i), target.row(id)) }
  }

  /// The sum of equal ids' rows is rounded once.
  func scatterAddRows(_ rows: Operand, _ ids: Operand, _ target: Operand) throws(AviaryError) {
    var sums: [Int: [Double]] = [:]
    for (i, id) in try checked(ids, below: target.shape[0]).enumerated() {
      sums[id] = zip(sums[id] ?? target.row(id).values(), rows.row(i).values()).map { $0 + $1 }
    }
    for (id, sum) in sums { target.row(id).store(sum) }
  }

  private func checked(_ ids: Operand, below count: Int) throws(AviaryError) -> [Int] {
    var result: [Int] = []
    for value in ids.values() {
      guard let id = Int(exactly: value), id >= 0, id < count else {
        throw AviaryError(.request, "row id \(value)", wanted: "0..<\(count)")
      }
      result.append(id)
    }
    return result
  }

  func select(_ condition: Operand, _ a: Operand, _ b: Operand, _ out: Operand) {
    let (from, other) = (a.view.offsets, b.view.offsets)
    for (i, (to, holds)) in zip(out.view.offsets, condition.values()).enumerated() {
      if holds != 0 { out.copyElement(to, from: a, from[i]) } else { out.copyElement(to, from: b, other[i]) }
    }
  }
}

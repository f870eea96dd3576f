/// Gives every value of a plan its place in one arena: values that live at the same time never overlap.
///
/// Best fit from a list of free pieces, 64-byte aligned. An elementwise step may write over an operand of the same size
/// that nobody reads afterwards.
package struct Planner {
  private var steps: [PlanStep]
  private var views: [View]
  private var outputs: [View]
  private let bytes: ContiguousArray<Int>
  private var lastStep: ContiguousArray<Int>
  private var offsets: ContiguousArray<Int>
  private var arena = FreeList()

  /// Values are numbered in `Place.arena` of the views; `bytes` has their sizes.
  package init(_ steps: [PlanStep], _ views: [View], _ bytes: ContiguousArray<Int>, _ outputs: [View]) {
    self.steps = steps
    self.views = views
    self.bytes = bytes
    self.outputs = outputs
    lastStep = ContiguousArray(repeating: -1, count: bytes.count)
    offsets = lastStep
  }

  package consuming func plan() -> Plan {
    findLastSteps()
    assignOffsets()
    for i in views.indices { views[i].place = placed(views[i].place) }
    for i in steps.indices { steps[i].output.place = placed(steps[i].output.place) }
    for i in outputs.indices { outputs[i].place = placed(outputs[i].place) }
    return Plan(steps: steps, views: views, arenaBytes: arena.end, outputs: outputs)
  }

  private mutating func findLastSteps() {
    for s in steps.indices {
      for k in steps[s].operands { use(views[k], s) }
      use(steps[s].output, s)
    }
    for output in outputs { use(output, .max) }
  }

  private mutating func use(_ view: View, _ step: Int) {
    if case .arena(let value) = view.place { lastStep[value] = max(lastStep[value], step) }
  }

  private mutating func assignOffsets() {
    // Values that die at a step, as lists linked through `next`.
    var first = ContiguousArray(repeating: -1, count: steps.count)
    var next = ContiguousArray(repeating: -1, count: bytes.count)
    for value in bytes.indices where lastStep[value] >= 0 && lastStep[value] != .max {
      next[value] = first[lastStep[value]]
      first[lastStep[value]] = value
    }
    for s in steps.indices {
      var inherited = -1
      if case .arena(let value) = steps[s].output.place, offsets[value] < 0 {
        inherited = overwritable(s, value)
        offsets[value] = inherited >= 0 ? offsets[inherited] : arena.take(bytes[value])
      }
      var value = first[s]
      while value >= 0 {
        if value != inherited { arena.give(offsets[value], bytes[value]) }
        value = next[value]
      }
    }
  }

  /// An operand's value that an elementwise step may write its output over, or -1.
  private func overwritable(_ s: Int, _ output: Int) -> Int {
    let step = steps[s]
    guard step.op.isElementwise, bytes[output] > 0 else { return -1 }
    for k in step.operands {
      let view = views[k]
      guard case .arena(let value) = view.place, lastStep[value] == s, bytes[value] == bytes[output], view.offset == 0,
        view.dtype.blockBytes == step.output.dtype.blockBytes, view.isContiguous, view.shape.elements == step.output.shape.elements
      else { continue }
      // Another window on the same value would be read after it is overwritten.
      if step.operands.allSatisfy({ views[$0].place != view.place || views[$0] == view }) { return value }
    }
    return -1
  }

  private func placed(_ place: Place) -> Place {
    if case .arena(let value) = place { .arena(max(offsets[value], 0)) } else { place }
  }
}

/// Free pieces of an arena that grows at its end.
struct FreeList {
  static let alignment = 64
  /// Bytes that the arena needs so far.
  private(set) var end = 0
  /// In order of offset; neighbours are always joined.
  private var pieces: ContiguousArray<(offset: Int, bytes: Int)> = []

  private static func aligned(_ bytes: Int) -> Int { (bytes + alignment - 1) / alignment * alignment }

  /// The smallest piece that fits, else new bytes at the end.
  mutating func take(_ count: Int) -> Int {
    let need = FreeList.aligned(count)
    if need == 0 { return 0 }
    var best = -1
    for i in pieces.indices where pieces[i].bytes >= need && (best < 0 || pieces[i].bytes < pieces[best].bytes) { best = i }
    if best >= 0 {
      let offset = pieces[best].offset
      if pieces[best].bytes == need {
        pieces.remove(at: best)
      } else {
        pieces[best] = (offset + need, pieces[best].bytes - need)
      }
      return offset
    }
    // A piece that touches the end grows with it.
    if let last = pieces.last, last.offset + last.bytes == end {
      pieces.removeLast()
      end = last.offset + need
      return last.offset
    }
    end += need
    return end - need
  }

  mutating func give(_ offset: Int, _ count: Int) {
    let bytes = FreeList.aligned(count)
    if bytes == 0 { return }
    var i = 0
    while i < pieces.count, pieces[i].offset < offset { i += 1 }
    pieces.insert((offset, bytes), at: i)
    if i + 1 < pieces.count, offset + bytes == pieces[i + 1].offset {
      pieces[i].bytes += pieces[i + 1].bytes
      pieces.remove(at: i + 1)
    }
    if i > 0, pieces[i - 1].offset + pieces[i - 1].bytes == offset {
      pieces[i - 1].bytes += pieces[i].bytes
      pieces.remove(at: i)
    }
  }
}

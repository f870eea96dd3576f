import AviaryTensor

/// Memory for a graph's inputs that stays where it is from run to run, so that a decoding step allocates nothing.
final class InputStaging {
  private var slots: [UnsafeMutableRawBufferPointer] = []
  private var used: [Int] = []

  deinit { for slot in slots { slot.deallocate() } }

  func set(_ slot: Int, _ input: GraphRunner.Input) {
    switch input {
    case .floats(let values): values.withUnsafeBytes { set(slot, $0) }
    case .ints(let values): values.withUnsafeBytes { set(slot, $0) }
    }
  }

  func set(_ slot: Int, _ value: Int32) {
    withUnsafeBytes(of: value) { set(slot, $0) }
  }

  private func set(_ slot: Int, _ bytes: UnsafeRawBufferPointer) {
    while slots.count <= slot {
      slots.append(.allocate(byteCount: 64, alignment: 64))
      used.append(0)
    }
    if slots[slot].count < bytes.count {
      slots[slot].deallocate()
      slots[slot] = .allocate(byteCount: bytes.count, alignment: 64)
    }
    slots[slot].copyMemory(from: bytes)
    used[slot] = bytes.count
  }

  func bind(_ bindings: Bindings) {
    bindings.inputs.removeAll(keepingCapacity: true)
    for (slot, count) in zip(slots, used) { bindings.inputs.append(UnsafeRawBufferPointer(rebasing: slot[..<count])) }
  }
}

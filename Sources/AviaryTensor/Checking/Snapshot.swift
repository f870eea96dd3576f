/// A view's bytes at one moment, taken from a device to the host.
struct Snapshot {
  /// The view within `buffer`, from element 0; its place is for whoever binds it.
  var view: View
  let buffer: HostBuffer
  /// Where the bytes are from; nil for those that are the host's.
  let origin: BufferSlice?

  init(_ source: View, _ bindings: Bindings, _ backend: any Backend) throws(AviaryError) {
    var part = source
    part.offset = 0
    view = part
    // Both have been validated with the plan.
    guard let length = part.byteEnd, let offset = source.dtype.byteCount(elements: source.offset) else {
      throw AviaryError(.internal, "a view of \(source.shape) has no end", at: "snapshot")
    }
    buffer = try HostBuffer(zeroed: length)
    origin =
      switch source.place {
      case .arena(let base): bindings.arena.part(base + offset, length)
      case .weight(let slot): bindings.weights[Int(slot)].part(offset, length)
      case .state(let slot): bindings.states[Int(slot)].part(offset, length)
      case .input: nil
      }
    if length == 0 { return }
    if let origin {
      try backend.download(origin, into: buffer.bytes)
    } else if case .input(let slot) = source.place {
      buffer.bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bindings.inputs[Int(slot)][offset..<offset + length]))
    }
  }

  private var operand: Operand? { buffer.bytes.baseAddress.map { Operand(base: $0, view: view) } }

  var values: [Double] { operand?.values() ?? [] }

  /// The largest finite magnitude, and whether all elements are numbers; without a copy, since weights are large.
  var extent: (largest: Double, isFinite: Bool) {
    var (largest, isFinite) = (0.0, true)
    guard let operand else { return (0, true) }
    func note(_ value: Double) { if value.isFinite { largest = max(largest, abs(value)) } else { isFinite = false } }
    if view.dtype.isQuantised {
      view.forEachRow { for value in operand.load($0, count: view.shape[-1], stride: 1) { note(value) } }
    } else {
      view.forEachOffset { note(operand.load($0)) }
    }
    return (largest, isFinite)
  }
}

extension BufferSlice {
  fileprivate func part(_ start: Int, _ count: Int) -> BufferSlice { BufferSlice(buffer, offset: offset + start, byteCount: count) }
}

import AviaryTensor
import Dispatch

/// How a device keeps quantised blocks: the whole numbers of all blocks, 16 bytes and multiples of it for each, then the
/// half-precision scales of all, where a block's size is no multiple of 16 in the file. They take the bytes that they took.
struct Planes {
  let dtype: DType
  /// Bytes of a block that go to the first plane; the others, before or behind them, go to the second.
  private let numbers: Range<Int>

  /// Types that kernels read; nil for others.
  init?(_ dtype: DType) {
    switch dtype {
    case .q8_0: numbers = 2..<34
    case .q4_0: numbers = 2..<18
    case .q4_1: numbers = 4..<20
    case .q4_k: numbers = 0..<144
    case .q5_k: numbers = 0..<176
    case .q6_k: numbers = 0..<208
    default: return nil
    }
    self.dtype = dtype
  }

  static let types = DType.quantised.filter { Planes($0) != nil }

  /// Bytes of a block in either plane.
  var numberBytes: Int { numbers.count }
  var sideBytes: Int { dtype.blockBytes - numbers.count }
  /// Whether blocks stay as they are in files.
  var areAsInFiles: Bool { sideBytes == 0 }

  /// - Parameters: of equal size, in whole blocks, and apart from each other.
  func pack(_ blocks: UnsafeRawBufferPointer, into planes: UnsafeMutableRawBufferPointer) {
    guard let from = blocks.baseAddress, let to = planes.baseAddress else { return }
    each(blocks.count, Ends(from: from, to: to)) { ends, block, number, side in
      (ends.to + number).copyMemory(from: ends.from + block + numbers.lowerBound, byteCount: numberBytes)
      (ends.to + side).copyMemory(from: ends.from + block + sideStart, byteCount: sideBytes)
    }
  }

  /// The inverse of `pack`.
  func unpack(_ planes: UnsafeRawBufferPointer, into blocks: UnsafeMutableRawBufferPointer) {
    guard let from = planes.baseAddress, let to = blocks.baseAddress else { return }
    each(planes.count, Ends(from: from, to: to)) { ends, block, number, side in
      (ends.to + block + numbers.lowerBound).copyMemory(from: ends.from + number, byteCount: numberBytes)
      (ends.to + block + sideStart).copyMemory(from: ends.from + side, byteCount: sideBytes)
    }
  }

  private struct Ends: @unchecked Sendable {
    // Unchecked: each thread reads and writes blocks of its own.
    let from: UnsafeRawPointer
    let to: UnsafeMutableRawPointer
  }

  private var sideStart: Int { numbers.lowerBound > 0 ? 0 : numbers.upperBound }

  /// Bytes where a block starts, and where its parts do in the planes; on all processors.
  private func each(_ byteCount: Int, _ ends: Ends, _ body: @Sendable (_ ends: Ends, _ block: Int, _ number: Int, _ side: Int) -> Void) {
    let (size, count, share) = (dtype.blockBytes, byteCount / dtype.blockBytes, 1 << 15)
    DispatchQueue.concurrentPerform(iterations: (count + share - 1) / share) { part in
      for i in part * share..<min((part + 1) * share, count) { body(ends, i * size, i * numberBytes, count * numberBytes + i * sideBytes) }
    }
  }
}

/// Bytes of a buffer that lie in planes.
struct Packing: Equatable {
  let dtype: DType
  let bytes: Range<Int>
}

extension Device {
  /// Brings quantised blocks of a buffer into planes, where they are, with one copy of them beside.
  func pack(_ buffer: VulkanBuffer, _ packing: Packing) throws(AviaryError) {
    if buffer.packing == packing { return }
    try unpack(buffer)
    guard let planes = Planes(packing.dtype), !planes.areAsInFiles else { return }
    try rearrange(buffer, packing.bytes) { planes.pack($0, into: $1) }
    buffer.packing = packing
  }

  /// Brings a buffer's bytes back to what they were before `pack`.
  func unpack(_ buffer: VulkanBuffer) throws(AviaryError) {
    guard let packing = buffer.packing, let planes = Planes(packing.dtype) else { return }
    try rearrange(buffer, packing.bytes) { planes.unpack($0, into: $1) }
    buffer.packing = nil
  }

  private func rearrange(
    _ buffer: VulkanBuffer, _ bytes: Range<Int>, _ body: (UnsafeRawBufferPointer, UnsafeMutableRawBufferPointer) -> Void
  ) throws(AviaryError) {
    let before = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { before.deallocate() }
    try download(buffer, bytes.lowerBound, into: before)
    if let address = buffer.mapped {
      return body(UnsafeRawBufferPointer(before), UnsafeMutableRawBufferPointer(start: address + bytes.lowerBound, count: bytes.count))
    }
    let after = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 16)
    defer { after.deallocate() }
    body(UnsafeRawBufferPointer(before), after)
    try upload(UnsafeRawBufferPointer(after), to: buffer, bytes.lowerBound)
  }
}

extension AdoptedPages {
  /// A buffer with quantised blocks of the file in planes, from its first byte on. Blocks that need no planes, and begin
  /// where a device can read them, stay in the file.
  func packed(_ bytes: Range<Int>, _ planes: Planes) throws(AviaryError) -> (buffer: VulkanBuffer, start: Int) {
    if planes.areAsInFiles {
      let part = try part(bytes.lowerBound, bytes.count)
      if part.start % 16 == 0 { return part }
    }
    return try kept(bytes.lowerBound, bytes.count) { (device, blocks) throws(AviaryError) in
      let buffer = try VulkanBuffer(device, blocks.count, .own)
      if let address = buffer.mapped {
        planes.pack(blocks, into: UnsafeMutableRawBufferPointer(start: address, count: blocks.count))
      } else {
        let after = UnsafeMutableRawBufferPointer.allocate(byteCount: blocks.count, alignment: 16)
        defer { after.deallocate() }
        planes.pack(blocks, into: after)
        try device.upload(UnsafeRawBufferPointer(after), to: buffer, 0)
      }
      return buffer
    }
  }
}

import AviaryTensor

/// Reads the fields of one protocol-buffers message (https://protobuf.dev/programming-guides/encoding) within bounds.
struct ProtoReader {
  /// A field's number and what it holds.
  enum Field {
    case varint(Int, UInt64)
    case fixed64(Int)
    case bytes(Int, Range<Int>)
    case fixed32(Int, UInt32)
  }

  private let bytes: UnsafeRawBufferPointer
  private var position: Int
  private let end: Int
  private let place: String

  /// - Parameters:
  ///   - range: the message's place in `bytes`.
  ///   - place: the message's name, for errors.
  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, at place: String) {
    self.bytes = bytes
    position = range.lowerBound
    end = range.upperBound
    self.place = place
  }

  /// The next field; nil at the end of the message.
  mutating func next() throws(AviaryError) -> Field? {
    guard position < end else { return nil }
    let key = try varint()
    guard let number = Int(exactly: key >> 3), number > 0, number < 1 << 29 else { throw flaw("a field number out of range") }
    switch key & 7 {
    case 0: return .varint(number, try varint())
    case 1:
      try skip(8)
      return .fixed64(number)
    case 2:
      guard let length = Int(exactly: try varint()), length <= end - position else {
        throw flaw("a field that is longer than its message")
      }
      defer { position += length }
      return .bytes(number, position..<position + length)
    case 5:
      let start = position
      try skip(4)
      return .fixed32(number, (0..<4).reduce(0) { $0 | UInt32(bytes[start + $1]) << (8 * UInt32($1)) })
    default: throw flaw("a field of unknown type \(key & 7)")
    }
  }

  private mutating func skip(_ count: Int) throws(AviaryError) {
    guard count <= end - position else { throw flaw("a message that ends within a field") }
    position += count
  }

  private mutating func varint() throws(AviaryError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < end else { throw flaw("a message that ends within a number") }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw flaw("a number of more than ten bytes")
  }

  private func flaw(_ what: String) -> AviaryError {
    AviaryError(.format, what, at: "\(place), byte \(position)")
  }
}

/// Writes the fields of a message.
struct ProtoWriter {
  private(set) var bytes: [UInt8] = []

  mutating func varint(_ number: Int, _ value: Int) {
    raw(number << 3)
    raw(value)
  }

  mutating func float(_ number: Int, _ value: Float) {
    raw(number << 3 | 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func bytes(_ number: Int, _ value: some Collection<UInt8>) {
    raw(number << 3 | 2)
    raw(value.count)
    bytes.append(contentsOf: value)
  }

  private mutating func raw(_ value: Int) {
    var rest = UInt(bitPattern: value)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}

import AviaryTensor

/// Where the central directory lies, from the records at the end of the file.
struct ZipDirectory {
  let range: Range<Int>
  let entryCount: Int

  init(_ bytes: UnsafeRawBufferPointer) throws(AviaryError) {
    guard let end = ZipDirectory.findEnd(bytes) else {
      let found =
        ForeignFile.describe(bytes)
        ?? (ForeignFile.begins(bytes, [0x50, 0x4B, 3, 4])
          ? "the zip file has no directory: it is cut short" : "the file is no zip file")
      throw AviaryError(.format, found, wanted: "a file of torch.save (PyTorch 1.6 or later), or safetensors")
    }
    var reader = ByteReader(bytes, at: end + 4)
    guard let disk = reader.integer(UInt16.self), let directoryDisk = reader.integer(UInt16.self),
      let entriesHere = reader.integer(UInt16.self), let entries = reader.integer(UInt16.self),
      let size = reader.integer(UInt32.self), let start = reader.integer(UInt32.self)
    else { throw AviaryError(.format, "the zip file is cut short in its last record") }
    let wide = try ZipDirectory.zip64(bytes, before: end)
    guard disk == 0, directoryDisk == 0, entriesHere == entries else {
      throw AviaryError(.format, "the zip file is one part of several", wanted: "a whole one")
    }
    // A narrow field either says the same as the wide one, or that the wide one counts.
    let agrees =
      wide.map {
        (entries == .max || $0.entries == entries) && (size == .max || $0.size == size)
          && (start == .max || $0.start == start)
      } ?? (entries != .max && size != .max && start != .max)
    guard agrees else { throw AviaryError(.format, "the two end records of the zip file contradict each other") }
    guard let first = Int(exactly: wide?.start ?? UInt64(start)), let length = Int(exactly: wide?.size ?? UInt64(size)),
      let count = Int(exactly: wide?.entries ?? UInt64(entries)),
      case (let last, let overflow) = first.addingReportingOverflow(length), !overflow, last == wide?.offset ?? end
    else { throw AviaryError(.format, "the directory of the zip file does not end where its last records begin") }
    // The shortest record has 46 bytes, so this bounds the work.
    guard count <= length / 46 else {
      throw AviaryError(
        .format, "the zip file names \(count) entries", wanted: "what fits its directory of \(length) bytes")
    }
    range = first..<last
    entryCount = count
  }

  /// The offset of the end record: its comment must reach exactly to the end of the file.
  private static func findEnd(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var offset = bytes.count - 22
    let lowest = max(0, offset - Int(UInt16.max))
    while offset >= lowest {
      var reader = ByteReader(bytes, at: offset)
      if reader.integer(UInt32.self) == 0x0605_4B50 {
        var comment = ByteReader(bytes, at: offset + 20)
        if let length = comment.integer(UInt16.self), comment.remaining == Int(length) { return offset }
      }
      offset -= 1
    }
    return nil
  }

  private struct Wide {
    let offset: Int
    let entries: UInt64
    let size: UInt64
    let start: UInt64
  }

  /// The zip64 end record, where a locator for it stands before the end record.
  private static func zip64(_ bytes: UnsafeRawBufferPointer, before end: Int) throws(AviaryError) -> Wide? {
    guard end >= 20 else { return nil }
    var locator = ByteReader(bytes, at: end - 20)
    guard locator.integer(UInt32.self) == 0x0706_4B50 else { return nil }
    let damaged = AviaryError(.format, "the zip64 records at the end of the zip file are damaged")
    guard locator.integer(UInt32.self) == 0, let position = locator.integer(UInt64.self),
      locator.integer(UInt32.self) == 1, let offset = Int(exactly: position), offset <= end - 20
    else { throw damaged }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<(end - 20)]), at: offset)
    guard reader.integer(UInt32.self) == 0x0606_4B50, let size = reader.integer(UInt64.self),
      size == UInt64(reader.remaining), reader.take(4) != nil,
      reader.integer(UInt32.self) == 0, reader.integer(UInt32.self) == 0,
      let entriesHere = reader.integer(UInt64.self), let entries = reader.integer(UInt64.self), entries == entriesHere,
      let length = reader.integer(UInt64.self), let start = reader.integer(UInt64.self)
    else { throw damaged }
    return Wide(offset: offset, entries: entries, size: length, start: start)
  }
}

/// One row of the central directory.
struct ZipCentralRecord {
  let name: String
  let crc: UInt32
  /// Bytes of the content, which are those of the entry since it is stored.
  let size: Int
  let headerOffset: Int
  private let nameBytes: [UInt8]
  /// Bit 3: the local header leaves sizes and checksum to a record after the content.
  private let sizesFollow: Bool

  init(_ reader: inout ByteReader) throws(AviaryError) {
    let offset = reader.offset
    let cut = AviaryError(.format, "a record of the zip directory is damaged", at: "byte \(offset)")
    guard reader.integer(UInt32.self) == 0x0201_4B50, reader.take(4) != nil,
      let flags = reader.integer(UInt16.self), let method = reader.integer(UInt16.self), reader.take(4) != nil,
      let crc = reader.integer(UInt32.self), let packed = reader.integer(UInt32.self),
      let size = reader.integer(UInt32.self), let nameLength = reader.integer(UInt16.self),
      let extraLength = reader.integer(UInt16.self), let commentLength = reader.integer(UInt16.self),
      let disk = reader.integer(UInt16.self), reader.take(6) != nil, let header = reader.integer(UInt32.self),
      let name = reader.take(Int(nameLength)), let extra = reader.take(Int(extraLength)),
      reader.take(Int(commentLength)) != nil
    else { throw cut }
    guard let text = utf8Text(name) else {
      throw AviaryError(.format, "the name of a zip entry is not valid UTF-8", at: "byte \(offset)")
    }
    let place = "entry \(quoted(text))"
    guard flags & 1 == 0 else { throw AviaryError(.format, "it is encrypted", wanted: "plain bytes", at: place) }
    guard method == 0 else {
      throw AviaryError(
        .format, "it is compressed (method \(method))", wanted: "stored bytes, as torch.save writes", at: place)
    }
    // Zip64: fields that do not fit stand in an extra field, in this order, each only where its narrow twin is full.
    var wide = ByteReader(ZipCentralRecord.extraField(1, in: extra) ?? UnsafeRawBufferPointer(start: nil, count: 0))
    func widen(_ narrow: UInt32) -> UInt64? { narrow == .max ? wide.integer(UInt64.self) : UInt64(narrow) }
    guard let fullSize = widen(size), let fullPacked = widen(packed), let fullHeader = widen(header),
      let exactSize = Int(exactly: fullSize), let exactHeader = Int(exactly: fullHeader)
    else { throw AviaryError(.format, "its zip64 sizes are missing or too big", at: place) }
    guard fullSize == fullPacked, disk == 0 || disk == .max else {
      throw AviaryError(
        .format, "a stored entry with two sizes, \(fullPacked) and \(fullSize)", wanted: "one", at: place)
    }
    self.name = text
    self.crc = crc
    self.size = exactSize
    headerOffset = exactHeader
    nameBytes = Array(name)
    sizesFollow = flags & 8 != 0
  }

  /// Where the content lies, after its local header was found to say the same as this record.
  func locate(_ bytes: UnsafeRawBufferPointer, directoryStart: Int) throws(AviaryError) -> Range<Int> {
    let place = "entry \(quoted(name))"
    guard headerOffset <= directoryStart else {
      throw AviaryError(
        .format, "it begins at \(headerOffset)", wanted: "a beginning before \(directoryStart)", at: place)
    }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[..<directoryStart]), at: headerOffset)
    guard reader.integer(UInt32.self) == 0x0403_4B50, reader.take(2) != nil,
      let flags = reader.integer(UInt16.self), let method = reader.integer(UInt16.self), reader.take(4) != nil,
      let localCRC = reader.integer(UInt32.self), reader.take(4) != nil, let localSize = reader.integer(UInt32.self),
      let nameLength = reader.integer(UInt16.self), let extraLength = reader.integer(UInt16.self),
      let localName = reader.take(Int(nameLength)), reader.take(Int(extraLength)) != nil
    else { throw AviaryError(.format, "its local header is damaged", at: place) }
    let saysNothing = sizesFollow && localCRC == 0 && localSize == 0
    let saysTheSame = localCRC == crc && (localSize == .max || Int(localSize) == size)
    guard flags & 1 == 0, method == 0, localName.elementsEqual(nameBytes), saysNothing || saysTheSame else {
      throw AviaryError(.format, "its local header contradicts the directory", at: place)
    }
    let start = reader.offset
    guard reader.take(size) != nil else {
      throw AviaryError(
        .format, "its \(size) bytes reach past the end", wanted: "at most \(directoryStart - start)", at: place)
    }
    return start..<start + size
  }

  private static func extraField(_ id: UInt16, in extra: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    var reader = ByteReader(extra)
    while let field = reader.integer(UInt16.self), let length = reader.integer(UInt16.self),
      let content = reader.take(Int(length))
    {
      if field == id { return content }
    }
    return nil
  }
}

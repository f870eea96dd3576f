/// Writes pickles, opcode by opcode: each function gives the bytes that push its value.
enum Pickle {
  static func document(_ object: [UInt8]) -> [UInt8] { [0x80, 2] + object + Array(".".utf8) }
  static func global(_ module: String, _ name: String) -> [UInt8] { Array("c\(module)\n\(name)\n".utf8) }
  static func text(_ text: String) -> [UInt8] {
    Array("X".utf8) + littleEndian(UInt32(text.utf8.count)) + Array(text.utf8)
  }
  static func tuple(_ elements: [UInt8]...) -> [UInt8] { tuple(elements) }
  static func tuple(_ elements: [[UInt8]]) -> [UInt8] { Array("(".utf8) + elements.flatMap { $0 } + Array("t".utf8) }
  /// LONG1 of eight bytes.
  static func int(_ value: Int) -> [UInt8] { [0x8A, 8] + littleEndian(value) }
  static let none = Array("N".utf8)
  static let orderedDict = global("collections", "OrderedDict") + Array(")R".utf8)

  static func dict(_ members: [(String, [UInt8])]) -> [UInt8] {
    Array("}(".utf8) + members.flatMap { text($0.0) + $0.1 } + Array("u".utf8)
  }

  static func storage(_ key: String, _ type: String = "FloatStorage", count: Int) -> [UInt8] {
    tuple(text("storage"), global("torch", type), text(key), text("cpu"), int(count)) + Array("Q".utf8)
  }

  static func tensor(_ storage: [UInt8], offset: Int = 0, _ sizes: [Int], _ strides: [Int]) -> [UInt8] {
    global("torch._utils", "_rebuild_tensor_v2")
      + tuple(storage, int(offset), tuple(sizes.map(int)), tuple(strides.map(int)), [0x89], orderedDict)
      + Array("R".utf8)
  }
}

/// Writes zip files as PyTorch does, or wrong in one chosen way.
struct ZipBuilder {
  struct Entry {
    var name: String
    var content: [UInt8]
    var method: UInt16 = 0
    var flags: UInt16 = 0
    var crc: UInt32?
    /// What the local header calls it.
    var localName: String?
    /// What the directory says instead of the truth.
    var size: UInt32?
    var headerOffset: UInt32?
    /// As PyTorch writes: sizes and checksum only after the content.
    var sizesFollow = false
    var alignment = 64
  }

  var entries: [Entry] = []
  var zip64 = false
  var entryCount: UInt16?
  var directoryOffset: UInt32?
  /// Replaces the number of entries in the zip64 record.
  var wideCount: UInt64?
  var comment: [UInt8] = []

  var bytes: [UInt8] {
    var file: [UInt8] = []
    var directory: [UInt8] = []
    for entry in entries {
      let crc = entry.crc ?? checksum(entry.content)
      let size = UInt32(entry.content.count)
      let flags = entry.flags | (entry.sizesFollow ? 8 : 0)
      let localName = Array((entry.localName ?? entry.name).utf8)
      let start = file.count
      let padding = (entry.alignment - (start + 30 + localName.count) % entry.alignment) % entry.alignment
      file +=
        littleEndian(UInt32(0x0403_4B50)) + littleEndian(UInt16(0)) + littleEndian(flags) + littleEndian(entry.method)
      file += [0, 0, 0, 0] + littleEndian(entry.sizesFollow ? 0 : crc)
      file += littleEndian(entry.sizesFollow ? 0 : size) + littleEndian(entry.sizesFollow ? 0 : size)
      file += littleEndian(UInt16(localName.count)) + littleEndian(UInt16(padding)) + localName
      file += [UInt8](repeating: 0x5A, count: padding) + entry.content
      if entry.sizesFollow {
        file += littleEndian(UInt32(0x0807_4B50)) + littleEndian(crc) + littleEndian(size) + littleEndian(size)
      }
      let name = Array(entry.name.utf8)
      directory += littleEndian(UInt32(0x0201_4B50)) + [0, 0, 0, 0] + littleEndian(flags) + littleEndian(entry.method)
      directory +=
        [0, 0, 0, 0] + littleEndian(crc) + littleEndian(entry.size ?? size) + littleEndian(entry.size ?? size)
      directory += littleEndian(UInt16(name.count)) + [UInt8](repeating: 0, count: 12)
      directory += littleEndian(entry.headerOffset ?? UInt32(start)) + name
    }
    let start = file.count
    file += directory
    if zip64 {
      let end = file.count
      file +=
        littleEndian(UInt32(0x0606_4B50)) + littleEndian(UInt64(44)) + [0, 0, 45, 0] + [UInt8](repeating: 0, count: 8)
      file += littleEndian(wideCount ?? UInt64(entries.count)) + littleEndian(wideCount ?? UInt64(entries.count))
      file += littleEndian(UInt64(directory.count)) + littleEndian(UInt64(start))
      file += littleEndian(UInt32(0x0706_4B50)) + [0, 0, 0, 0] + littleEndian(UInt64(end)) + [1, 0, 0, 0]
    }
    let count = entryCount ?? UInt16(entries.count)
    file += littleEndian(UInt32(0x0605_4B50)) + [0, 0, 0, 0] + littleEndian(count) + littleEndian(count)
    file += littleEndian(UInt32(directory.count)) + littleEndian(directoryOffset ?? UInt32(start))
    return file + littleEndian(UInt16(comment.count)) + comment
  }

  /// A file of torch.save: the pickle of that object, and storages of floats.
  static func torch(_ object: [UInt8], _ storages: [(String, [Float])] = [], alignment: Int = 64) -> ZipBuilder {
    var builder = ZipBuilder()
    builder.entries.append(Entry(name: "archive/data.pkl", content: Pickle.document(object), sizesFollow: true))
    builder.entries.append(Entry(name: "archive/byteorder", content: Array("little".utf8)))
    for (key, values) in storages {
      let content = values.flatMap { littleEndian($0.bitPattern) }
      builder.entries.append(Entry(name: "archive/data/\(key)", content: content, alignment: alignment))
    }
    builder.zip64 = true
    return builder
  }

  private func checksum(_ bytes: [UInt8]) -> UInt32 {
    var crc = ~UInt32(0)
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return ~crc
  }
}

public import AviaryTensor

/// The sections of a 64-bit little-endian ELF file (System V ABI, chapter 4), as far as plugins need them.
public enum ELFFile {
  private static let header = 64
  private static let sectionHeader = 64

  /// The bytes of the section of that name, inside of `bytes`; nil where the file has none.
  ///
  /// - Throws: `.format` where this is no such file, or a truncated one.
  public static func section(_ name: String, of bytes: UnsafeRawBufferPointer) throws(AviaryError) -> UnsafeRawBufferPointer? {
    var reader = ByteReader(bytes)
    guard let start = reader.take(16), start.starts(with: [0x7f, 0x45, 0x4c, 0x46]), start[4] == 2, start[5] == 1, bytes.count >= header,
      reader.integer(UInt16.self) == 3
    else { throw AviaryError(.format, "\(bytes.count) bytes that are no shared library", wanted: "a 64-bit ELF file, little-endian") }

    var place = ByteReader(bytes, at: 40)
    var counts = ByteReader(bytes, at: 58)
    guard let table = place.integer(UInt64.self).flatMap(Int.init(exactly:)), let size = counts.integer(UInt16.self),
      let count = counts.integer(UInt16.self), let namesIndex = counts.integer(UInt16.self), Int(size) >= sectionHeader || count == 0,
      namesIndex < count || count == 0
    else { throw damaged }
    if count == 0 { return nil }
    guard table <= bytes.count, Int(count) * Int(size) <= bytes.count - table else { throw damaged }

    /// Offset of a section's name among the names, and its bytes.
    func entry(_ index: Int) throws(AviaryError) -> (name: Int, content: UnsafeRawBufferPointer) {
      var fields = ByteReader(bytes, at: table + index * Int(size))
      guard let name = fields.integer(UInt32.self), let kind = fields.integer(UInt32.self), fields.take(16) != nil,
        let offset = fields.integer(UInt64.self).flatMap(Int.init(exactly:)), let size = fields.integer(UInt64.self).flatMap(Int.init(exactly:))
      else { throw damaged }
      // Kind 8 takes no room in the file.
      var content = ByteReader(bytes, at: kind == 8 ? bytes.count : offset)
      guard let content = content.take(kind == 8 ? 0 : size) else { throw damaged }
      return (Int(name), content)
    }
    let names = try entry(Int(namesIndex)).content
    for index in 0..<Int(count) {
      let (nameOffset, content) = try entry(index)
      guard nameOffset < names.count else { throw damaged }
      if names[nameOffset...].prefix(while: { $0 != 0 }).elementsEqual(name.utf8) { return content }
    }
    return nil
  }

  private static var damaged: AviaryError {
    AviaryError(.format, "a table of sections that leads outside of the file", wanted: "a whole ELF file")
  }
}

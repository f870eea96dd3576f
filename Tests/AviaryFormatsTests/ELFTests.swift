import AviaryFormats
import AviaryTensor
import Testing

/// Sections of shared libraries, which may be anything.
struct ELFTests {
  /// A library with the sections "", ".names" and ".mine".
  static func library(content: [UInt8] = [1, 2, 3]) -> [UInt8] {
    func word<T: FixedWidthInteger>(_ value: T) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }
    let names = Array("\0.names\0.mine\0".utf8)
    let table = 64 + names.count + content.count
    let identity: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
    var bytes = identity + word(UInt16(3)) + word(UInt16(62)) + word(UInt32(1)) + word(UInt64(0)) + word(UInt64(0)) + word(UInt64(table))
    bytes += word(UInt32(0)) + word(UInt16(64)) + word(UInt16(0)) + word(UInt16(0)) + word(UInt16(64)) + word(UInt16(3)) + word(UInt16(1))
    bytes += names + content
    func section(_ name: Int, _ kind: Int, _ offset: Int, _ size: Int) -> [UInt8] {
      word(UInt32(name)) + word(UInt32(kind)) + word(UInt64(0)) + word(UInt64(0)) + word(UInt64(offset)) + word(UInt64(size)) + [UInt8](repeating: 0, count: 24)
    }
    return bytes + section(0, 0, 0, 0) + section(1, 3, 64, names.count) + section(8, 1, 64 + names.count, content.count)
  }

  static func section(_ name: String, _ bytes: [UInt8]) throws(AviaryError) -> [UInt8]? {
    let result = bytes.withUnsafeBytes { raw in
      Result { () throws(AviaryError) in try ELFFile.section(name, of: raw).map { Array($0) } }
    }
    return try result.get()
  }

  @Test func aSectionIsFoundByItsName() throws {
    #expect(try Self.section(".mine", Self.library()) == [1, 2, 3])
    #expect(try Self.section(".mine", Self.library(content: [])) == [])
    #expect(try Self.section(".min", Self.library()) == nil)
    #expect(try Self.section(".other", Self.library()) == nil)
  }

  @Test func everyBeginningAndEveryChangedByteIsSafe() {
    let whole = Self.library()
    for count in 0..<whole.count {
      #expect(throws: AviaryError.self) { try Self.section(".mine", Array(whole[..<count])) }
    }
    for index in whole.indices {
      for value: UInt8 in [0, 1, 0x7f, 0x80, 0xff] {
        var changed = whole
        changed[index] = value
        _ = try? Self.section(".mine", changed)
      }
    }
  }
}

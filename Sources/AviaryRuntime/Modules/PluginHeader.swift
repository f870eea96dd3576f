import AviaryFormats
public import AviaryTensor

/// What a shared library says of itself before any of its code runs: which build of Aviary it was made against, and with
/// which compiler. Swift has no stable interface between builds without library evolution: code that was compiled
/// against another layout of a type reads and writes where it should not.
///
/// In the file it is a C struct in the section `.aviary_plugin`:
///
///     struct { char magic[8]; uint64_t build; char compiler[48]; }    // little-endian, "AVIARYPL", NUL-terminated
public struct PluginHeader: Sendable, Hashable {
  public static let section = ".aviary_plugin"
  public static let magic = "AVIARYPL"
  static let compilerBytes = 48

  /// The number of the build, `BuildNumber.value` there.
  public let build: UInt64
  /// "6.3.1"
  public let compiler: String

  public init(build: UInt64, compiler: String) {
    self.build = build
    self.compiler = compiler
  }

  /// That of this program.
  public static let own = PluginHeader(build: BuildNumber.value, compiler: BuildNumber.compiler)

  /// Reads it from a library's file. Nothing of the library is executed.
  ///
  /// - Throws: `.file`, `.format` where the file is no shared library; `.config` where it is no plugin of Aviary's.
  public init(file path: String) throws(AviaryError) {
    let file = try MappedFile(path: path)
    let bytes: [UInt8]?
    do throws(AviaryError) {
      bytes = try withExtendedLifetime(file) { () throws(AviaryError) in try ELFFile.section(Self.section, of: file.bytes).map { Array($0) } }
    } catch { throw error.at(file.name) }
    guard let bytes else {
      throw AviaryError(.config, "no section \(Self.section)", wanted: "a library made by `aviary plugin`", at: file.name)
    }
    let words = 8 + 8
    guard bytes.count == words + Self.compilerBytes, bytes[..<8].elementsEqual(Self.magic.utf8), let end = bytes[words...].firstIndex(of: 0),
      let compiler = String(validating: bytes[words..<end], as: UTF8.self)
    else {
      throw AviaryError(.config, "a section \(Self.section) of another form", wanted: "\(Self.magic), a number and a compiler", at: file.name)
    }
    build = bytes.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self)) }
    self.compiler = compiler
  }

  /// C source that puts it into a library.
  public var source: String {
    """
    #include <stdint.h>

    struct aviary_plugin { char magic[8]; uint64_t build; char compiler[\(Self.compilerBytes)]; };

    __attribute__((section("\(Self.section)"), used, visibility("default")))
    const struct aviary_plugin aviary_plugin = { "\(Self.magic)", UINT64_C(0x\(Self.hex(build))), "\(compiler)" };

    """
  }

  /// 16 hexadecimal digits.
  public static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension PluginHeader: CustomStringConvertible {
  public var description: String { "build \(Self.hex(build)), Swift \(compiler)" }
}

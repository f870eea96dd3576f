import AviaryCore
import AviaryFormats
import AviaryTensor
import CoreTestSupport
import Glibc
import Testing

/// Group A of the cases of hostile input, by their names; those about a model's sizes and vocabulary are elsewhere.
@Suite struct GGUFTests {
  private func open(_ builder: GGUFBuilder, limits: Limits = .standard) throws -> GGUFFile { try open(builder.bytes(), limits: limits) }
  private func open(_ bytes: [UInt8], limits: Limits = .standard) throws -> GGUFFile { try GGUFFile(pages: OwnedPages.file(bytes), limits: limits) }

  /// The error's text has all of these.
  private func expect(_ builder: GGUFBuilder, _ parts: String..., sourceLocation: SourceLocation = #_sourceLocation) {
    let text = errorText({ _ = try open(builder) }, sourceLocation: sourceLocation)
    for part in parts { #expect(text.contains(part), "\(text)", sourceLocation: sourceLocation) }
  }

  @Test(arguments: [2, 3]) func valid(version: UInt32) throws {
    var builder = GGUFBuilder().adding("n", .i32(-3)).adding("x", .f32(0.5)).adding("yes", .bool(1)).adding("long", .strings(["a", "é"])).adding("numbers", .ints([1, -2]))
    builder.version = version
    builder.tensors = [
      .init("m", [4, 2], data: (0..<8).flatMap { littleEndian(Float($0).bitPattern) }), .init("q", [64, 3], type: 2, data: [UInt8](repeating: 0x66, count: 18 * 6)),
    ]
    let file = try open(builder)
    #expect(file.names == ["m", "q"])
    #expect(try file.metadata.int("n", in: -9...9) == -3)
    #expect(try file.metadata.number("x", in: 0...1) == 0.5)
    #expect(try file.metadata.bool("yes", default: false))
    #expect(try file.metadata.strings("long") == ["a", "é"])
    #expect(file.array("long")?.strings()?.map { String(decoding: $0, as: UTF8.self) } == ["a", "é"])
    #expect(file.array("numbers")?.integers() == [1, -2])
    #expect(file.array("numbers")?.floats() == [1, -2])
    #expect(file.array("numbers")?.strings() == nil)
    #expect(file.array("long")?.integers() == nil)
    let m = try #require(try file.tensor("m"))
    #expect(m.shape == [2, 4])
    #expect(m.elements(Float.self) == [0, 1, 2, 3, 4, 5, 6, 7])
    let q = try #require(try file.tensor("q"))
    #expect(q.dtype == .q4_0)
    #expect(q.shape == [3, 64])
    #expect(q.byteCount == 108)
    #expect(try file.tensor("absent") == nil)
  }

  @Test func badMagic() {
    var builder = GGUFBuilder()
    builder.magic = Array("GGML".utf8)
    expect(builder, "does not begin with GGUF")
  }

  @Test(arguments: [0, 1, 99, 0x0300_0000, 0x0200_0000] as [UInt32]) func versions(version: UInt32) {
    var builder = GGUFBuilder()
    builder.version = version
    expect(builder, version & 0xFFFF == 0 && version != 0 ? "big-endian" : "GGUF version \(version)")
  }

  @Test func truncations() throws {
    let whole = GGUFBuilder().adding("list", .strings(["one", "two"])).bytes()
    _ = try open(whole)
    // What is behind the last tensor is padding.
    let needed = whole.count - 32 + 12
    _ = try open(Array(whole.prefix(needed)))
    for length in 0..<needed { #expect(throws: AviaryError.self, "\(length) bytes") { _ = try open(Array(whole.prefix(length))) } }
  }

  @Test(arguments: [1 << 63, .max, 1 << 40, 1 << 20] as [UInt64]) func counts(number: UInt64) {
    var tensors = GGUFBuilder()
    tensors.tensorCount = number
    expect(tensors, "\(number) tensors")
    var values = GGUFBuilder()
    values.valueCount = number
    expect(values, "\(number) metadata values")
  }

  @Test func keys() {
    expect(GGUFBuilder().adding("", .u32(1)), "an empty key")
    expect(GGUFBuilder().adding("general.architecture", .u32(1)), "the key stands twice", "general.architecture")
    expect(GGUFBuilder().adding(String(repeating: "k", count: 2000), .u32(1)), "2000 bytes")
    var bytes = GGUFBuilder().bytes()
    bytes.replaceSubrange(24..<32, with: littleEndian(UInt64.max))
    #expect(errorText { _ = try open(bytes) }.contains("a key has 18446744073709551615 bytes"))
  }

  @Test func unknownType() { expect(GGUFBuilder().adding("k", .raw(13, [0])), "the value type 13", "`k`") }

  @Test(arguments: [0, 7, 8, 10] as [UInt32]) func arrayLengths(type: UInt32) {
    let clock = ContinuousClock()
    let start = clock.now
    for length in [1 << 63, .max, 1 << 40] as [UInt64] {
      expect(GGUFBuilder().adding("k", .raw(9, littleEndian(type) + littleEndian(length))), "an array of \(length) elements")
    }
    #expect(clock.now - start < .milliseconds(500))
  }

  @Test func nestedArrays() {
    let nested = (0..<1000).flatMap { _ in littleEndian(UInt32(9)) + littleEndian(UInt64(1)) }
    expect(GGUFBuilder().adding("k", .raw(9, nested)), "an array of arrays")
  }

  @Test func strings() {
    expect(GGUFBuilder().adding("k", .raw(8, littleEndian(UInt64(1) << 62))), "and the file ends")
    expect(GGUFBuilder().adding("k", .raw(8, littleEndian(UInt64(2)) + [0xc3, 0x28])), "not UTF-8")
    expect(GGUFBuilder().adding("k", .raw(9, littleEndian(UInt32(8)) + littleEndian(UInt64(1)) + littleEndian(UInt64(1)) + [0xff])), "not UTF-8")
    var limits = Limits.standard
    limits.ggufStringBytes = 3
    #expect(errorText { _ = try open(GGUFBuilder(), limits: limits) }.contains("at most 3"))
  }

  @Test func booleans() {
    expect(GGUFBuilder().adding("k", .bool(7)), "neither 0 nor 1")
    expect(GGUFBuilder().adding("k", .raw(9, littleEndian(UInt32(7)) + littleEndian(UInt64(2)) + [1, 2])), "neither 0 nor 1")
  }

  @Test func alignments() throws {
    for wrong in [0, 3, 13, 1 << 31] as [UInt32] { expect(GGUFBuilder().adding("general.alignment", .u32(wrong)), "\(wrong)", "a power of two") }
    expect(GGUFBuilder().adding("general.alignment", .string("32")), "no integer")
    var wide = GGUFBuilder().adding("general.alignment", .u32(128))
    wide.alignment = 128
    #expect(try open(wide).tensor("b.weight")?.elements(UInt8.self) == [UInt8](repeating: 1, count: 12))
  }

  @Test func axes() {
    expect(GGUFBuilder().with(.init("t", [])), "0 axes")
    expect(GGUFBuilder().with(.init("t", [1, 1, 1, 1, 1])), "5 axes")
    expect(GGUFBuilder().with(.init("t", [1 << 32])), "an axis of \(UInt64(1) << 32)")
    expect(GGUFBuilder().with(.init("t", [4, 0])), "an axis of 0")
    expect(GGUFBuilder().with(.init("t", [(1 << 42) + 1, 2])), "an axis of")
    let most = UInt64(Int32.max)
    expect(GGUFBuilder().with(.init("t", [most, most, most])), "overflow")
    // As many bytes as a number cannot hold, where the elements still fit.
    expect(GGUFBuilder().with(.init("t", [1 << 30, 1 << 30, 2, 1], type: 28)), "more bytes than a number can hold")
  }

  @Test func rowsFillBlocks() { expect(GGUFBuilder().with(.init("t", [33, 2], type: 2)), "rows of 33", "multiple of 32") }

  @Test func offsets() {
    expect(GGUFBuilder().with(.init("t", [4], offset: 4)), "the offset 4", "a multiple of 32")
    expect(GGUFBuilder().with(.init("t", [4], offset: 64)), "bytes 64..<80")
    expect(GGUFBuilder().with(.init("t", [4], offset: .max - 31)), "within the file")
    expect(GGUFBuilder().with(.init("t", [4], offset: UInt64(Int.max) - 31)), "cut off")
    expect(GGUFBuilder().with(.init("t", [16]), .init("u", [16], offset: 32)), "overlap")
    expect(GGUFBuilder().with(.init("t", [4]), .init("t", [4])), "the name stands twice")
  }

  @Test func tensorNames() {
    var long = GGUFBuilder()
    long.tensors[0].name = [UInt8](repeating: 0x61, count: 10 << 20)
    expect(long, "10485760 bytes")
    var broken = GGUFBuilder()
    broken.tensors[0].name = [0xff, 0xfe]
    expect(broken, "not UTF-8")
  }

  @Test(arguments: [4, 5, 9, 31, 39, 77, .max] as [UInt32]) func tensorTypes(number: UInt32) {
    expect(GGUFBuilder().with(.init("t", [32], type: number)), "the type \(number)", number == 4 ? "removed" : "wanted")
  }

  @Test func dataOneByteShort() {
    let bytes = GGUFBuilder().with(.init("t", [8])).bytes()
    #expect(errorText { _ = try open(Array(bytes.dropLast())) }.contains("cut off"))
  }

  /// Every byte of a small file changed: an error or a file, never a crash.
  @Test func changedBytes() throws {
    let whole = GGUFBuilder().adding("list", .strings(["one", "two"])).adding("split.count", .u16(1)).bytes()
    for place in whole.indices {
      for change in [0x01, 0x80, 0xff] as [UInt8] {
        var bytes = whole
        bytes[place] ^= change
        guard let file = try? open(bytes) else { continue }
        for name in file.names { _ = try file.tensor(name)?.floats() }
        _ = file.array("list")?.strings()
      }
    }
  }

  // MARK: Files

  private func part(_ number: UInt16, of count: UInt16, _ tensors: GGUFBuilder.Tensor..., total: Int32? = nil) -> [UInt8] {
    var builder = GGUFBuilder().adding("split.no", .u16(number)).adding("split.count", .u16(count))
    if let total { builder = builder.adding("split.tensors.count", .i32(total)) }
    builder.tensors = tensors
    return builder.bytes()
  }

  @Test func splitFiles() throws {
    let folder = try TemporaryFolder()
    let first = try folder.write("m-00001-of-00003.gguf", part(0, of: 3, .init("a", [2]), total: 3))
    #expect(errorText { _ = try GGUFFile(path: first) }.contains("m-00002-of-00003.gguf"))
    let second = try folder.write("m-00002-of-00003.gguf", part(1, of: 3, .init("b", [2])))
    try folder.write("m-00003-of-00003.gguf", part(2, of: 3, .init("c", [2])))
    let file = try GGUFFile(path: first)
    #expect(file.names == ["a", "b", "c"])
    #expect(try file.tensor("c")?.byteCount == 8)
    #expect(errorText { _ = try GGUFFile(path: second) }.contains("the first part"))
    // The same part twice, a tensor in two parts, another number of tensors.
    try folder.write("m-00003-of-00003.gguf", part(1, of: 3, .init("c", [2])))
    #expect(errorText { _ = try GGUFFile(path: first) }.contains("part 2 of 3"))
    try folder.write("m-00003-of-00003.gguf", part(2, of: 3, .init("a", [2])))
    #expect(errorText { _ = try GGUFFile(path: first) }.contains("in two parts"))
    try folder.write("m-00003-of-00003.gguf", part(2, of: 3, .init("c", [2]), .init("d", [2])))
    #expect(errorText { _ = try GGUFFile(path: first) }.contains("4 tensors"))
    // Names of parts come from the name of the first, and links stay in the folder.
    let odd = try folder.write("odd.gguf", part(0, of: 3, .init("a", [2])))
    #expect(errorText { _ = try GGUFFile(path: odd) }.contains("-00001-of-00003.gguf"))
    let outside = try TemporaryFolder()
    let target = try outside.write("x.gguf", part(1, of: 2, .init("b", [2])))
    let linked = try folder.write("l-00001-of-00002.gguf", part(0, of: 2, .init("a", [2])))
    try folder.link("l-00002-of-00002.gguf", to: target)
    #expect(errorText { _ = try GGUFFile(path: linked) }.contains("a link out of its folder"))
  }

  @Test func whatIsNoRegularFile() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.path + "/pipe.gguf"
    mkfifo(pipe, 0o600)
    for path in [pipe, folder.path, "/dev/zero", try folder.link("loop.gguf", to: folder.path + "/loop.gguf")] {
      #expect(throws: AviaryError.self) { _ = try GGUFFile(path: path) }
    }
  }

  @Test func theGeneralDoorOpensIt() throws {
    let folder = try TemporaryFolder()
    #expect(try Checkpoint.open(file: folder.write("model.gguf", GGUFBuilder().bytes())).names == ["a.weight", "b.weight"])
    #expect(try Checkpoint.open(file: folder.write("model.bin", GGUFBuilder().bytes())).names == ["a.weight", "b.weight"])
  }
}

import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct GGUFWriterTests {
  private func output(_ name: String, _ shape: Shape, _ dtype: DType, _ bytes: [UInt8]) -> TensorOutput {
    TensorOutput(name, shape, dtype) { (sink) throws(AviaryError) in
      // In two pieces.
      try bytes.span.withUnsafeBytes { (all) throws(AviaryError) in
        try sink(UnsafeRawBufferPointer(rebasing: all[..<(all.count / 2)]))
        try sink(UnsafeRawBufferPointer(rebasing: all[(all.count / 2)...]))
      }
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.gguf"
    let metadata: [(key: String, value: GGUFEntry)] = [
      ("general.architecture", .string("test")), ("n", .u32(7)), ("i", .i32(-7)), ("x", .float(0.5)), ("yes", .bool(true)),
      ("texts", .strings([Array("a".utf8), Array("é".utf8)])), ("ints", .ints([1, -2])), ("floats", .floats([0.25])),
    ]
    let blocks = (0..<36).map { UInt8($0) }
    try GGUFWriter(metadata, [output("q", [2, 32], .q4_0, blocks), output("v", [3], .f32, [UInt8](repeating: 1, count: 12))]).write(to: path)
    let file = try GGUFFile(path: path)
    #expect(file.names == ["q", "v"])
    let q = try #require(try file.tensor("q"))
    #expect(q.shape == [2, 32] && q.dtype == .q4_0)
    #expect(q.elements(UInt8.self) == blocks)
    #expect(try file.tensor("v")?.elements(UInt8.self) == [UInt8](repeating: 1, count: 12))
    #expect(try file.metadata.int("n", in: 0...9) == 7)
    #expect(try file.metadata.int("i", in: -9...9) == -7)
    #expect(try file.metadata.number("x", in: 0...1) == 0.5)
    #expect(try file.metadata.strings("texts") == ["a", "é"])
    #expect(file.array("ints")?.integers() == [1, -2])
    #expect(file.array("floats")?.floats() == [0.25])
  }

  @Test func whatCannotBeWrittenLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.gguf"
    let good = output("v", [3], .f32, [UInt8](repeating: 1, count: 12))
    for tensors in [
      [good, good], [output("q", [2, 31], .q4_0, [])], [output("v", [3], .f32, [1])], [output("b", [3], .bool, [1, 1, 1])],
      [TensorOutput("v", [3], .f32) { (_) throws(AviaryError) in throw AviaryError(.memory, "none") }],
    ] { #expect(throws: AviaryError.self) { try GGUFWriter([], tensors).write(to: path) } }
    #expect(throws: AviaryError.self) { try GGUFWriter([("k", .u32(1)), ("k", .u32(2))], [good]).write(to: path) }
    #expect(folderNames(folder.path) == [])
  }
}

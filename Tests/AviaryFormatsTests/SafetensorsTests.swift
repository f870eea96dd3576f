import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

/// A safetensors file with that header and data.
func safetensors(_ header: String, data: [UInt8] = [], length: UInt64? = nil) -> [UInt8] {
  littleEndian(length ?? UInt64(header.utf8.count)) + Array(header.utf8) + data
}

@Suite struct SafetensorsTests {
  static let good = safetensors(
    #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"#
      + #""b":{"dtype":"U8","shape":[],"data_offsets":[8,9]},"z":{"dtype":"F16","shape":[0,3],"data_offsets":[9,9]}}"#,
    data: littleEndian(Float(1.5).bitPattern) + littleEndian(Float(-2).bitPattern) + [7])

  @Test func validFile() throws {
    let file = try SafetensorsFile(pages: OwnedPages.file(Self.good))
    #expect(file.names == ["a", "b", "z"])
    #expect(file.metadata == ["format": "pt"])
    let a = try #require(try file.tensor("a"))
    #expect(a.shape == [2, 1])
    #expect(a.dtype == .f32)
    #expect(a.elements(Float.self) == [1.5, -2])
    #expect(try file.tensor("b")?.elements(UInt8.self) == [7])
    #expect(try file.tensor("z")?.byteCount == 0)
    #expect(try file.tensor("missing") == nil)
  }

  static func row(_ row: String) -> String { #"{"a":\#(row)}"# }
  static let bad: [(name: String, file: [UInt8], text: String)] = [
    ("empty", [], "has 0 bytes"),
    ("seven bytes", [1, 2, 3, 4, 5, 6, 7], "has 7 bytes"),
    ("headerLen 0", littleEndian(UInt64(0)), "ends where a value is wanted"),
    ("headerLen 7", littleEndian(UInt64(7)) + Array("{}     ".utf8.dropLast()), "ends inside its header"),
    ("headerLen over the file", safetensors("{}", length: 3), "ends inside its header"),
    ("headerLen 2^63", safetensors("{}", length: 1 << 63), "a header of 9223372036854775808 bytes"),
    ("headerLen 100 MB + 1", safetensors("{}", length: 100_000_001), "wanted at most 100000000"),
    ("not UTF-8", littleEndian(UInt64(6)) + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31], "not valid UTF-8"),
    ("not JSON", safetensors("PK\u{3}\u{4}"), "unexpected `P`"),
    ("JSON array", safetensors("[]"), "the header is an array of 0"),
    ("depth 10^5", safetensors(String(repeating: "[", count: 100_000)), "nested too deeply"),
    (
      "duplicate key",
      safetensors(
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#,
        data: [1]), "the key `a` is there twice"
    ),
    ("missing dtype", safetensors(row(#"{"shape":[1],"data_offsets":[0,1]}"#), data: [1]), "there is no `dtype`"),
    ("missing shape", safetensors(row(#"{"dtype":"U8","data_offsets":[0,1]}"#), data: [1]), "there is no `shape`"),
    ("missing offsets", safetensors(row(#"{"dtype":"U8","shape":[1]}"#), data: [1]), "there is no `data_offsets`"),
    (
      "one offset", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[1]}"#), data: [1]), "wanted two offsets"
    ),
    ("entry no object", safetensors(row("3")), "the entry is the number 3"),
    (
      "begin over end", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[1,0]}"#), data: [1]),
      "begin at 1 and end at 0"
    ),
    (
      "negative offset", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}"#)),
      "wanted two offsets from 0"
    ),
    (
      "negative size", safetensors(row(#"{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}"#), data: [1]), "sizes from 0"
    ),
    ("float size", safetensors(row(#"{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}"#), data: [1]), "sizes from 0"),
    (
      "float offset", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1.0]}"#), data: [1]),
      "two offsets from 0"
    ),
    (
      "hole at the start", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[1,2]}"#), data: [1, 2]),
      "a hole of 1 bytes"
    ),
    (
      "hole",
      safetensors(
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}"#,
        data: [1, 2, 3]), "a hole of 1 bytes"
    ),
    (
      "overlap",
      safetensors(
        #"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}"#,
        data: [1, 2, 3]), "overlap"
    ),
    (
      "trailing bytes", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#), data: [1, 2]),
      "belong to no tensor"
    ),
    (
      "past the end", safetensors(row(#"{"dtype":"U8","shape":[3],"data_offsets":[0,3]}"#), data: [1, 2]), "fewer bytes"
    ),
    (
      "product overflow",
      safetensors(row(#"{"dtype":"U8","shape":[2147483647,2147483647,2147483647,0],"data_offsets":[0,0]}"#)), "overflow"
    ),
    (
      "byte overflow", safetensors(row(#"{"dtype":"F64","shape":[2147483647,2147483647],"data_offsets":[0,0]}"#)),
      "more bytes than a number can hold"
    ),
    (
      "size over Int32", safetensors(row(#"{"dtype":"U8","shape":[4294967297],"data_offsets":[0,1]}"#), data: [1]),
      "an axis has the size"
    ),
    (
      "size over Int",
      safetensors(row(#"{"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,1]}"#), data: [1]),
      "sizes from 0"
    ),
    (
      "rank 9", safetensors(row(#"{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}"#), data: [1]),
      "9 axes"
    ),
    (
      "wrong byte count", safetensors(row(#"{"dtype":"F32","shape":[1],"data_offsets":[0,3]}"#), data: [1, 2, 3]),
      "wanted 4 for f32 [1]"
    ),
    (
      "unknown dtype", safetensors(row(#"{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}"#), data: [1]),
      "`F8_E4M3` is not supported"
    ),
    (
      "unknown key", safetensors(row(#"{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}"#), data: [1]),
      "unknown key `x`"
    ),
    ("metadata no strings", safetensors(#"{"__metadata__":{"a":1}}"#), "the key `a` is the number 1"),
    ("metadata no object", safetensors(#"{"__metadata__":[]}"#), "`__metadata__` is an array"),
  ]

  @Test(arguments: bad.indices)
  func refuses(_ index: Int) {
    let (name, file, wanted) = Self.bad[index]
    let text = errorText { _ = try SafetensorsFile(pages: OwnedPages.file(file)) }
    #expect(text.contains(wanted), "\(name): \(text)")
    #expect(text.hasPrefix("test"), "\(name): \(text)")
  }

  @Test func limitOnTensors() {
    var limits = Limits.standard
    limits.tensorsPerFile = 2
    #expect(
      errorText { _ = try SafetensorsFile(pages: OwnedPages.file(Self.good), limits: limits) }.contains("3 tensors"))
  }

  @Test func misalignedTensorIsCopied() throws {
    let file = try SafetensorsFile(
      pages: OwnedPages.file(
        safetensors(
          #"{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"F32","shape":[1],"data_offsets":[1,5]}}"#,
          data: [9] + littleEndian(Float(3).bitPattern))))
    let a = try #require(try file.tensor("a"))
    #expect(a.elements(Float.self) == [3])
    #expect(Int(bitPattern: a.bytes.baseAddress) % 4 == 0)
  }

  @Test func everyTruncationIsRefused() throws {
    for length in 0..<Self.good.count {
      #expect(throws: AviaryError.self) { try SafetensorsFile(pages: OwnedPages.file(Array(Self.good[..<length]))) }
    }
  }

  @Test func anyFlippedByteIsHandled() throws {
    let refused = try forEachFlippedByte(of: Self.good) { try SafetensorsFile(pages: OwnedPages.file($0)) }
    #expect(refused > Self.good.count)
  }

  @Test func writtenFileReadsBack() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/out.safetensors"
    let floats = try OwnedPages([Float(1), 2, 3, 4], name: "floats")
    let tensors = [
      StoredTensor(
        name: "flags", shape: [3], dtype: .bool, pages: try OwnedPages([UInt8(1), 0, 1], name: "b"), offset: 0),
      StoredTensor(name: "x \"y\"\n", shape: [2, 2], dtype: .f32, pages: floats, offset: 0),
      StoredTensor(name: "tail", shape: [1], dtype: .f32, pages: floats, offset: 12),
      StoredTensor(name: "none", shape: [0], dtype: .i64, pages: floats, offset: 0),
    ]
    try SafetensorsWriter.write(tensors, metadata: ["by": "test"], to: path)
    let file = try SafetensorsFile(path: path)
    #expect(Set(file.names) == Set(tensors.map(\.name)))
    #expect(file.metadata == ["by": "test"])
    for tensor in tensors {
      let read = try #require(try file.tensor(tensor.name))
      #expect(read.shape == tensor.shape && read.dtype == tensor.dtype)
      #expect(read.elements(UInt8.self) == tensor.elements(UInt8.self))
    }
  }

  @Test func failedWriteLeavesNothing() throws {
    let folder = try TemporaryFolder()
    let pages = try OwnedPages([UInt8(1)], name: "p")
    let tensor = StoredTensor(name: "a", shape: [1], dtype: .u8, pages: pages, offset: 0)
    #expect(errorText { try SafetensorsWriter.write([tensor, tensor], to: folder.path + "/x") }.contains("`a`"))
    #expect(
      errorText { try SafetensorsWriter.write([tensor], to: folder.path + "/no/x") }.contains("cannot be written"))
    #expect(errorText { try SafetensorsWriter.write([tensor], to: folder.path) }.contains("cannot be written"))
    #expect(folderNames(folder.path).isEmpty)
  }
}

import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct PyTorchFileTests {
  static let six = ("0", [Float](arrayLiteral: 0, 1, 2, 3, 4, 5))
  static func view(_ sizes: [Int], _ strides: [Int], offset: Int = 0, count: Int = 6) -> [UInt8] {
    Pickle.dict([("a", Pickle.tensor(Pickle.storage("0", count: count), offset: offset, sizes, strides))])
  }
  static func open(_ builder: ZipBuilder, limits: Limits = .standard) throws -> PyTorchFile {
    try PyTorchFile(pages: OwnedPages.file(builder.bytes), limits: limits)
  }

  @Test func contiguousTensorIsAView() throws {
    let pages = try OwnedPages.file(ZipBuilder.torch(Self.view([2, 2], [2, 1], offset: 1), [Self.six]).bytes)
    let file = try PyTorchFile(pages: pages)
    #expect(file.names == ["a"] && file.topLevelKeys == ["a"])
    let a = try #require(try file.tensor("a"))
    #expect(a.pages === pages)
    #expect(a.shape == [2, 2])
    #expect(a.elements(Float.self) == [1, 2, 3, 4])
    #expect(try file.tensor("b") == nil)
  }

  static let views: [(sizes: [Int], strides: [Int], offset: Int, values: [Float])] = [
    ([3, 2], [1, 3], 0, [0, 3, 1, 4, 2, 5]),  // a transposed matrix
    ([2], [3], 1, [1, 4]),  // a column
    ([3, 2, 1], [1, 3, 1], 0, [0, 3, 1, 4, 2, 5]),  // transposed, two outer axes to count through
    ([2, 3], [0, 1], 2, [2, 3, 4, 2, 3, 4]),  // an expanded row
    ([1, 2, 1, 3], [99, 3, Int.max, 1], 0, [0, 1, 2, 3, 4, 5]),  // strides of single axes say nothing
    ([2, 1, 2], [1, Int.max, 2], 0, [0, 2, 1, 3]),
    ([], [], 5, [5]), ([0, 3], [7, 9], 0, []), ([2, 0], [1, 1], 100, []), ([3, 2], [1, 1], 1, [1, 2, 2, 3, 3, 4]),
  ]
  @Test(arguments: views.indices) func stridedView(_ index: Int) throws {
    let (sizes, strides, offset, values) = Self.views[index]
    let file = try Self.open(.torch(Self.view(sizes, strides, offset: offset), [Self.six]))
    let a = try #require(try file.tensor("a"))
    #expect(a.shape.dims == sizes)
    #expect(a.elements(Float.self) == values)
  }

  @Test(arguments: 0..<4) func misalignedStorageIsCopied(_ padding: Int) throws {
    var builder = ZipBuilder.torch(Self.view([6], [1]), [Self.six], alignment: 1)
    let filler = ZipBuilder.Entry(
      name: "archive/version", content: [UInt8](repeating: 0x33, count: padding), alignment: 1)
    builder.entries.insert(filler, at: 2)
    let a = try #require(try Self.open(builder).tensor("a"))
    #expect(a.elements(Float.self) == Self.six.1)
    #expect(Int(bitPattern: a.bytes.baseAddress) % 4 == 0)
  }

  @Test func expansionIsBounded() throws {
    let file = try Self.open(.torch(Self.view([1 << 30, 6], [0, 1]), [Self.six]))
    #expect(errorText { _ = try file.tensor("a") }.contains("repeats its elements to 25769803776 bytes"))
  }

  static func changed(_ change: (inout ZipBuilder) -> Void) -> [UInt8] {
    var builder = ZipBuilder.torch(view([6], [1]), [six])
    change(&builder)
    return builder.bytes
  }
  static let good = changed { _ in }
  static let bad: [(name: String, file: [UInt8], text: String)] = [
    ("empty", [], "the file is empty"),
    ("text", Array("hello".utf8), "no zip file"),
    ("cut short", Array(good.dropLast(30)), "cut short"),
    (
      "legacy pickle", [0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E],
      "legacy format, from before version 1.6"
    ),
    (
      "legacy tar", [UInt8](repeating: 0, count: 257) + Array("ustar".utf8) + [UInt8](repeating: 0, count: 250),
      "legacy tar format"
    ),
    ("Git LFS pointer", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".utf8), "Git LFS pointer"),
    ("big-endian", changed { $0.entries[1].content = Array("big".utf8) }, "its byte order is `big`"),
    (
      "path traversal", changed { $0.entries.append(.init(name: "../../etc/passwd", content: [])) },
      "the path `../../etc/passwd` leaves its folder"
    ),
    ("absolute name", changed { $0.entries.append(.init(name: "/etc/passwd", content: [])) }, "leaves its folder"),
    ("backslash", changed { $0.entries.append(.init(name: "a\\..\\b", content: [])) }, "leaves its folder"),
    ("compressed", changed { $0.entries[2].method = 8 }, "it is compressed (method 8)"),
    ("encrypted", changed { $0.entries[2].flags = 1 }, "it is encrypted"),
    ("wrong checksum", changed { $0.entries[0].crc = 1 }, "the checksum is wrong"),
    ("wrong checksum of byteorder", changed { $0.entries[1].crc = 1 }, "the checksum is wrong"),
    (
      "local header of another entry",
      changed {
        $0.entries.append($0.entries[2])
        $0.entries[3].name = "archive/data/1"
        $0.entries[3].localName = "archive/data/0"
        $0.entries[3].headerOffset = 0
      }, "contradicts the directory"
    ),
    (
      "overlapping content",
      changed {
        // The first entry claims what follows it, the next entry too.
        $0.entries[0].size = UInt32($0.entries[0].content.count + 40)
      }, "it overlaps the entry before it"
    ),
    ("one name twice", changed { $0.entries.append($0.entries[2]) }, "two entries are named `archive/data/0`"),
    ("local name differs", changed { $0.entries[2].localName = "archive/data/1" }, "contradicts the directory"),
    ("local size differs", changed { $0.entries[2].size = 20 }, "contradicts the directory"),
    ("size past the end", changed { $0.entries[0].size = 1 << 20 }, "reach past the end"),
    ("header past the end", changed { $0.entries[0].headerOffset = 1 << 30 }, "it begins at 1073741824"),
    ("zip64 size missing", changed { $0.entries[0].size = .max }, "zip64 sizes are missing"),
    ("zip64 count lies", changed { $0.wideCount = 1 << 40 }, "contradict each other"),
    (
      "zip64 count lies behind a full field",
      changed {
        $0.wideCount = 1 << 40
        $0.entryCount = .max
      }, "names 1099511627776 entries"
    ),
    (
      "zip64 count overflows",
      changed {
        $0.wideCount = .max
        $0.entryCount = .max
      }, "does not end where"
    ),
    (
      "narrow count lies",
      changed {
        $0.entryCount = 2
        $0.zip64 = false
      }, "after the last entry of the directory"
    ),
    (
      "full field without zip64",
      changed {
        $0.entryCount = .max
        $0.zip64 = false
      }, "contradict each other"
    ),
    (
      "directory elsewhere",
      changed {
        $0.directoryOffset = 0
        $0.zip64 = false
      }, "does not end where its last records begin"
    ),
    ("directory against zip64", changed { $0.directoryOffset = 0 }, "contradict each other"),
    ("bytes before the file", [0] + changed { $0.zip64 = false }, "does not end where"),
    ("no pickle", changed { $0.entries.remove(at: 0) }, "has 0 entries `<folder>/data.pkl`"),
    ("two pickles", changed { $0.entries.append(.init(name: "other/data.pkl", content: [])) }, "has 2 entries"),
    ("missing storage", changed { $0.entries.remove(at: 2) }, "there is no storage `0`"),
    ("storage too small", changed { $0.entries[2].content.removeLast(4) }, "has 20 bytes; wanted those of 6 f32"),
    ("storage too big", changed { $0.entries[2].content += [0, 0, 0, 0] }, "has 28 bytes; wanted those of 6 f32"),
    ("view past its storage", ZipBuilder.torch(view([7], [1], count: 6), [six]).bytes, "reaches past its storage"),
    ("length overflows", ZipBuilder.torch(view([6], [1], count: Int.max), [six]).bytes, "has 24 bytes"),
  ]

  @Test(arguments: bad.indices) func refuses(_ index: Int) {
    let (name, file, wanted) = Self.bad[index]
    let text = errorText { _ = try PyTorchFile(pages: OwnedPages.file(file)) }
    #expect(text.contains(wanted), "\(name): \(text)")
    #expect(text.hasPrefix("test"), "\(name): \(text)")
  }

  @Test func commentAndNarrowRecordsAreAccepted() throws {
    let file = Self.changed {
      $0.zip64 = false
      $0.comment = Array("PK\u{5}\u{6} in a comment".utf8)
    }
    #expect(try PyTorchFile(pages: OwnedPages.file(file)).names == ["a"])
  }

  @Test func limitOnEntries() {
    var limits = Limits.standard
    limits.zipEntries = 2
    #expect(
      errorText { _ = try Self.open(.torch(Self.view([6], [1]), [Self.six]), limits: limits) }.contains(
        "3 entries; wanted at most 2"))
  }

  @Test func everyTruncationIsRefused() throws {
    for length in 0..<Self.good.count {
      #expect(throws: AviaryError.self) { try PyTorchFile(pages: OwnedPages.file(Array(Self.good[..<length]))) }
    }
  }

  @Test func anyFlippedByteIsHandled() throws {
    try forEachFlippedByte(of: Self.good) { try PyTorchFile(pages: OwnedPages.file($0)) }
  }
}

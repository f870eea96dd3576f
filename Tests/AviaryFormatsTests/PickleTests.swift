import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct PickleTests {
  static func read(_ object: [UInt8], limits: Limits = .standard) throws -> PickledTensors {
    try Pickle.document(object).withUnsafeBytes { try PickleReader.read($0, name: "data.pkl", limits: limits) }
  }

  static let tensor = Pickle.tensor(Pickle.storage("0", count: 6), [2, 3], [3, 1])

  @Test func plainDict() throws {
    let pickle = try Self.read(
      Pickle.dict([
        ("a", Self.tensor), ("epoch", Pickle.int(3)),
        ("list", Array("](K\u{1}NG".utf8) + [63, 240, 0, 0, 0, 0, 0, 0] + Array("e".utf8)),
      ]))
    #expect(pickle.topLevelKeys == ["a", "epoch", "list"])
    #expect(pickle.tensors.map(\.name) == ["a"])
    #expect(pickle.tensors[0].tensor.shape == [2, 3])
    #expect(pickle.tensors[0].tensor.strides == [3, 1])
    let storage = pickle.tensors[0].tensor.storage
    #expect(storage.key == "0" && storage.dtype == .f32 && storage.count == 6)
  }

  @Test func orderedDictWithMetadataAndParameter() throws {
    let parameter =
      Pickle.global("torch._utils", "_rebuild_parameter")
      + Pickle.tuple(Self.tensor, [0x88], Pickle.orderedDict) + Array("R".utf8)
    let state = Pickle.dict([("_metadata", Pickle.orderedDict)])
    let object =
      Pickle.orderedDict + Array("(".utf8) + Pickle.text("p") + parameter + Array("u".utf8) + state + Array("b".utf8)
    let pickle = try Self.read(object)
    #expect(pickle.tensors.map(\.name) == ["p"])
    #expect(pickle.topLevelKeys == ["p"])
  }

  @Test func oneLevelIsFlattened() throws {
    let deeper = Pickle.dict([("c", Self.tensor)])
    let object = Pickle.dict([
      ("model", Pickle.dict([("a", Self.tensor), ("b", Self.tensor), ("x", deeper)])), ("t", Self.tensor),
    ])
    let pickle = try Self.read(object)
    #expect(pickle.tensors.map(\.name) == ["model.a", "model.b", "t"])
    #expect(pickle.topLevelKeys == ["model", "t"])
  }

  /// Protocol 4: frames, short strings, MEMOIZE and STACK_GLOBAL.
  @Test func protocolFour() throws {
    func short(_ text: String) -> [UInt8] { [0x8C, UInt8(text.utf8.count)] + Array(text.utf8) + [0x94] }
    func global(_ module: String, _ name: String) -> [UInt8] { short(module) + short(name) + [0x93, 0x94] }
    let storage =
      Array("(".utf8) + short("storage") + global("torch", "HalfStorage") + short("0") + short("cpu")
      + Array("K\u{4}tQ".utf8)
    let tensor =
      global("torch._utils", "_rebuild_tensor_v2") + Array("(".utf8) + storage + Array("K\0K\u{4}".utf8)
      + [0x85] + Array("K\u{1}".utf8) + [0x85, 0x89] + global("collections", "OrderedDict") + Array(")RtR".utf8)
    let body = Array("}".utf8) + [0x94] + short("a") + tensor + Array("s.".utf8)
    let bytes: [UInt8] = [0x80, 4, 0x95] + littleEndian(UInt64(body.count)) + body
    let pickle = try bytes.withUnsafeBytes { try PickleReader.read($0, name: "x") }
    #expect(pickle.tensors.first?.tensor.storage.dtype == .f16)
    #expect(pickle.tensors.first?.tensor.shape == [4])
  }

  static func call(_ module: String, _ name: String) -> [UInt8] {
    Pickle.global(module, name) + Pickle.tuple(Pickle.text("echo")) + Array("R".utf8)
  }
  static func view(_ sizes: [Int], _ strides: [Int], offset: Int = 0, count: Int = 6) -> [UInt8] {
    Pickle.dict([("a", Pickle.tensor(Pickle.storage("0", count: count), offset: offset, sizes, strides))])
  }
  static func storage(_ id: [UInt8]) -> [UInt8] { Pickle.dict([("a", id + Array("Q".utf8))]) }

  static let bad: [(name: String, object: [UInt8], text: String)] = [
    ("os.system", call("os", "system"), "it asks for `os.system`"),
    ("posix.system", call("posix", "system"), "it asks for `posix.system`"),
    ("builtins.eval", call("builtins", "eval"), "it asks for `builtins.eval`"),
    (
      "lookalike module", call("torch._utils.x", "_rebuild_tensor_v2"),
      "it asks for `torch._utils.x._rebuild_tensor_v2`"
    ),
    ("lookalike name", call("torch._utils", "_rebuild_tensor_v2 "), "it asks for"),
    ("moved dot", call("torch", "_utils._rebuild_tensor_v2"), "it asks for `torch._utils._rebuild_tensor_v2`"),
    ("load_from_bytes", call("torch.storage", "_load_from_bytes"), "it asks for `torch.storage._load_from_bytes`"),
    ("rebuild_tensor_v3", call("torch._utils", "_rebuild_tensor_v3"), "it asks for"),
    ("unterminated name", Array("cos".utf8), "a name without its end"),
    ("STACK_GLOBAL", Pickle.text("os") + Pickle.text("system") + [0x93], "it asks for `os.system`"),
    ("STACK_GLOBAL of numbers", Pickle.int(1) + Pickle.int(2) + [0x93], "without two strings"),
    ("INST", Array("(ios\nsystem\n".utf8), "opcode INST"),
    ("OBJ", Array("(".utf8) + Pickle.orderedDict + Array("o".utf8), "opcode OBJ"),
    ("NEWOBJ", Pickle.global("collections", "OrderedDict") + Array(")".utf8) + [0x81], "opcode NEWOBJ"),
    ("NEWOBJ_EX", [0x92], "opcode NEWOBJ_EX"),
    ("EXT1", [0x82, 1], "opcode EXT1"), ("EXT2", [0x83, 1, 0], "opcode EXT2"),
    ("EXT4", [0x84, 1, 0, 0, 0], "opcode EXT4"),
    ("PERSID", Array("Pstorage\n".utf8), "opcode PERSID"), ("GET", Array("g0\n".utf8), "opcode GET"),
    ("NEXT_BUFFER", [0x97], "opcode NEXT_BUFFER"), ("unknown opcode", [0xFE], "opcode 0xFE"),
    ("protocol 0", [0x80, 0], "its protocol is 0"), ("protocol 6", [0x80, 6], "its protocol is 6"),
    ("REDUCE on a number", Pickle.int(1) + Pickle.tuple() + Array("R".utf8), "REDUCE on the number 1"),
    ("REDUCE on a storage type", call("torch", "FloatStorage"), "REDUCE on `torch storage of f32`"),
    ("REDUCE without a tuple", Pickle.global("collections", "OrderedDict") + Array("NR".utf8), "with None"),
    ("OrderedDict of something", call("collections", "OrderedDict"), "an OrderedDict with 1 arguments"),
    ("BUILD on a tensor", tensor + Pickle.dict([]) + Array("b".utf8), "BUILD on a tensor"),
    ("BUILD on a class", Pickle.global("collections", "OrderedDict") + Pickle.dict([]) + Array("b".utf8), "BUILD on"),
    ("stack underflow", Array("0".utf8), "its stack is empty"),
    ("pop below a mark", Array("N(0".utf8), "its stack is empty"),
    ("missing mark", Array("Nt".utf8), "a mark is missing"),
    ("left over", Array("NN".utf8), "left over"),
    ("open mark", Array("(".utf8) + Pickle.dict([]), "left over"),
    ("no dict", Pickle.int(1), "the file holds the number 1"),
    ("a bare tensor", tensor, "the file holds a tensor"),
    ("memo unwritten", Array("h\u{7}".utf8), "memo 7 is read before"),
    ("LONG4 of 2 GB", [0x8B, 0xFF, 0xFF, 0xFF, 0x7F], "an integer of 2147483647 bytes"),
    ("LONG1 of 9 bytes", [0x8A, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1], "an integer of 9 bytes"),
    ("string of 4 GB", Array("X".utf8) + [0xFF, 0xFF, 0xFF, 0xFF], "a string of 4294967295 bytes"),
    ("string of 2^64", [0x8D] + littleEndian(UInt64.max), "a string of 18446744073709551615 bytes"),
    ("string not UTF-8", [0x8C, 1, 0xFF], "not valid UTF-8"),
    ("frame past the end", [0x95] + littleEndian(UInt64.max), "a frame reaches past the end"),
    ("element for a dict", Array("}Na".utf8), "an element for a dict"),
    ("member for a list", Array("]NNs".utf8), "members for a list"),
    ("odd members", Array("}(Nu".utf8), "a key without its value"),
    (
      "persistent id with dots",
      storage(
        Pickle.tuple(
          Pickle.text("storage"), Pickle.global("torch", "FloatStorage"), Pickle.text("../0"), Pickle.text("cpu"),
          Pickle.int(1))), "the key `../0`"
    ),
    (
      "persistent id with a slash",
      storage(
        Pickle.tuple(
          Pickle.text("storage"), Pickle.global("torch", "FloatStorage"), Pickle.text("a/b"), Pickle.text("cpu"),
          Pickle.int(1))), "the key `a/b`"
    ),
    ("persistent id of text", storage(Pickle.text("x")), "names no storage"),
    ("persistent id, negative", Pickle.dict([("a", Pickle.storage("0", count: -1))]), "names no storage"),
    (
      "two lengths", Pickle.dict([("a", Pickle.storage("0", count: 1)), ("b", Pickle.storage("0", count: 2))]),
      "described in two ways"
    ),
    (
      "two types",
      Pickle.dict([("a", Pickle.storage("0", count: 1)), ("b", Pickle.storage("0", "HalfStorage", count: 1))]),
      "described in two ways"
    ),
    ("view past the end", view([2, 4], [4, 1]), "reaches past its storage"),
    ("offset past the end", view([1], [1], offset: 6), "reaches past its storage"),
    ("overlapping past the end", view([3, 3], [2, 2], offset: 0), "reaches past its storage"),
    ("negative stride", view([2], [-1], offset: 1), "wanted strides and offset from 0"),
    ("negative offset", view([2], [1], offset: -1), "wanted strides and offset from 0"),
    ("negative size", view([-2], [1]), "an axis has the size -2"),
    ("reach overflows", view([3], [Int.max]), "reaches past its storage"),
    ("reach overflows in sum", view([2, 2], [Int.max, Int.max]), "reaches past its storage"),
    ("size overflows", view([1 << 31, 1 << 31], [0, 0]), "an axis has the size"),
    ("product overflows", view(Array(repeating: 1 << 30, count: 4), [0, 0, 0, 0]), "overflow"),
    ("hidden overflow", view([0, 1 << 30, 1 << 30, 1 << 30], [0, 0, 0, 0]), "overflow"),
    ("rank 9", view(Array(repeating: 1, count: 9), Array(repeating: 1, count: 9)), "9 axes"),
    ("strides missing", view([2, 3], [3]), "2 sizes and 1 strides"),
    (
      "tensor of text",
      Pickle.dict([
        ("a", Pickle.global("torch._utils", "_rebuild_tensor_v2") + Pickle.tuple(Pickle.text("x")) + Array("R".utf8))
      ]), "a tensor of (the string `x`)"
    ),
    ("one name twice", Pickle.dict([("a", tensor), ("a", tensor)]), "two tensors are named `a`"),
    (
      "one name by two ways", Pickle.dict([("a.b", tensor), ("a", Pickle.dict([("b", tensor)]))]),
      "two tensors are named `a.b`"
    ),
  ]

  @Test(arguments: bad.indices) func refuses(_ index: Int) {
    let (name, object, wanted) = Self.bad[index]
    let text = errorText { _ = try Self.read(object) }
    #expect(text.contains(wanted), "\(name): \(text)")
    #expect(text.hasPrefix("data.pkl"), "\(name): \(text)")
  }

  @Test func millionNestedTuples() {
    let object = Array("N".utf8) + [UInt8](repeating: 0x85, count: 1_000_000)
    #expect(errorText { _ = try Self.read(object) }.contains("nested too deeply"))
  }

  @Test func millionMarks() {
    #expect(errorText { _ = try Self.read([UInt8](repeating: 0x28, count: 1_000_000)) }.contains("nested too deeply"))
  }

  @Test func memoBomb() throws {
    // A memo at the highest index takes one entry, not four billion; doubling tuples share their parts.
    let high = Array("}r".utf8) + [0xFF, 0xFF, 0xFF, 0xFF]
    #expect(try Self.read(high).tensors.isEmpty)
    let doubling: [UInt8] = (0..<60).flatMap { _ in [0x32, 0x86] }  // DUP, TUPLE2
    #expect(try Self.read(Array("N".utf8) + doubling + Array("0".utf8) + Pickle.dict([])).tensors.isEmpty)
  }

  @Test func sharedDictsAreBounded() throws {
    // 10^3 keys that lead to one dict of 10^3 tensors are 10^6 names.
    let inner = Pickle.dict((0..<1_000).map { ("t\($0)", Array("h\0".utf8)) })
    let object =
      Self.tensor + Array("q\00".utf8) + inner + Array("q\u{1}0".utf8)
      + Pickle.dict((0..<1_000).map { ("k\($0)", Array("h\u{1}".utf8)) })
    var limits = Limits.standard
    limits.tensorsPerFile = 10_000
    #expect(errorText { _ = try Self.read(object, limits: limits) }.contains("too many tensors"))
  }

  @Test func selfReferenceEnds() throws {
    let object = Array("}q\0".utf8) + Pickle.text("me") + Array("h\0s".utf8) + Array("]h\0a0".utf8)
    #expect(try Self.read(object).tensors.isEmpty)
  }

  @Test func limits() {
    var limits = Limits.standard
    limits.pickleOpcodes = 10
    #expect(
      errorText { _ = try Self.read(Pickle.dict([("a", Self.tensor)]), limits: limits) }.contains("too many opcodes"))
    limits = .standard
    limits.pickleBytes = 10
    #expect(
      errorText { _ = try Self.read(Pickle.dict([("a", Self.tensor)]), limits: limits) }.contains("wanted at most 10"))
  }

  @Test func everyTruncationIsRefused() {
    let bytes = Pickle.document(Pickle.dict([("a", Self.tensor)]))
    for length in 0..<bytes.count {
      #expect(throws: AviaryError.self) {
        try Array(bytes[..<length]).withUnsafeBytes { try PickleReader.read($0, name: "x") }
      }
    }
  }

  @Test func anyByteAnywhereIsHandled() {
    let bytes = Pickle.document(Pickle.dict([("a", Self.tensor), ("b", Pickle.dict([("c", Self.tensor)]))]))
    for index in bytes.indices {
      for byte in UInt8.min...UInt8.max {
        var changed = bytes
        changed[index] = byte
        _ = try? changed.withUnsafeBytes { try PickleReader.read($0, name: "x") }
      }
    }
  }
}

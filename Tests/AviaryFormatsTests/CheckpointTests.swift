import AviaryCore
import AviaryFormats
import AviaryTensor
import Testing

@Suite struct CheckpointTests {
  /// A safetensors file of one-byte tensors.
  static func file(_ tensors: [(String, UInt8)]) -> [UInt8] {
    let rows = tensors.enumerated().map { #""\#($1.0)":{"dtype":"U8","shape":[1],"data_offsets":[\#($0),\#($0 + 1)]}"# }
    return safetensors("{" + rows.joined(separator: ",") + "}", data: tensors.map(\.1))
  }
  static func torch(_ name: String) -> [UInt8] {
    ZipBuilder.torch(Pickle.dict([(name, Pickle.tensor(Pickle.storage("0", count: 1), [1], [1]))]), [("0", [1])]).bytes
  }
  static func index(_ map: [(String, String)]) -> String {
    #"{"metadata":{"total_size":2},"weight_map":{"# + map.map { #""\#($0)":"\#($1)""# }.joined(separator: ",") + "}}"
  }

  /// Each folder and the names that it gives: the first kind of file that is there counts.
  static let folders: [(files: [(String, [UInt8])], names: [String])] = [
    ([("model.safetensors", file([("a", 1)])), ("pytorch_model.bin", [0]), ("other.safetensors", [0])], ["a"]),
    ([("pytorch_model.bin", torch("p")), ("training_args.bin", [0])], ["p"]),
    ([("x.safetensors", file([("a", 1)])), ("y.safetensors", file([("b", 1)])), ("z.bin", [0])], ["a", "b"]),
    ([("checkpoint.pt", torch("p")), ("optimizer.pt", [0]), ("rng_state_0.pth", [0]), ("scheduler.pt", [0])], ["p"]),
    ([("a.pth", torch("p")), ("b.pt", torch("q"))], ["p", "q"]),
    (
      [
        ("pytorch_model.bin.index.json", Array(index([("p", "p-1.bin"), ("q", "p-2.bin")]).utf8)),
        ("p-1.bin", torch("p")), ("p-2.bin", torch("q")),
      ], ["p", "q"]
    ),
    (
      [
        ("model.safetensors.index.json", Array(index([("b", "m-2.safetensors"), ("a", "m-1.safetensors")]).utf8)),
        ("m-1.safetensors", file([("a", 1)])), ("m-2.safetensors", file([("b", 2)])), ("other.safetensors", [0]),
      ], ["b", "a"]
    ),
  ]
  @Test(arguments: folders.indices) func folder(_ index: Int) throws {
    let folder = try TemporaryFolder()
    for (name, bytes) in Self.folders[index].files { try folder.write(name, bytes) }
    let source = try Checkpoint.open(folder.path)
    #expect(source.names == Self.folders[index].names)
    for name in source.names { #expect(try source.tensor(name)?.name == name) }
  }

  static let badIndexes: [(map: String, text: String)] = [
    (index([("a", "../../etc/passwd")]), "the path `../../etc/passwd` leaves its folder"),
    (index([("a", "/etc/passwd")]), "the path `/etc/passwd` leaves its folder"),
    (index([("a", "sub/m.safetensors")]), "`sub/m.safetensors`; wanted a file in the same folder"),
    (index([("a", "./m-1.safetensors")]), "wanted a file in the same folder"),
    (index([("a", "")]), "leaves its folder, or is none"),
    (index([("a", "m-3.safetensors")]), "there is no `m-3.safetensors`"),
    (index([("a", "m-1.safetensors"), ("c", "m-1.safetensors")]), "weight `c` is not in `m-1.safetensors`"),
    (index([("a", "link.safetensors")]), "`link.safetensors` is a link out of its folder"),
    (index([("a", "m-1.safetensors"), ("b", "m-2.safetensors")]), "tensor `a` is in"),
    ("{}", "there is no `weight_map`"), (#"{"weight_map":[]}"#, "`weight_map` is an array"),
    (#"{"weight_map":{"a":1}}"#, "its file is the number 1"), ("[]", "there is no `weight_map`"),
  ]
  @Test(arguments: badIndexes.indices) func refusesIndex(_ index: Int) throws {
    let outside = try TemporaryFolder()
    let folder = try TemporaryFolder()
    try folder.write("model.safetensors.index.json", Self.badIndexes[index].map)
    try folder.write("m-1.safetensors", Self.file([("a", 1)]))
    try folder.write("m-2.safetensors", Self.file([("a", 1), ("b", 1)]))
    try folder.write("sub/m.safetensors", Self.file([("a", 1)]))
    try folder.link("link.safetensors", to: outside.write("m.safetensors", Self.file([("a", 1)])))
    let text = errorText { _ = try Checkpoint.open(folder: folder.path) }
    #expect(text.contains(Self.badIndexes[index].text), "\(text)")
    #expect(!text.contains(folder.path))
  }

  @Test func refusesFolders() throws {
    let folder = try TemporaryFolder()
    #expect(errorText { _ = try Checkpoint.open(folder.path) }.contains("the folder has no weights"))
    #expect(errorText { _ = try Checkpoint.open(folder.path + "/none") }.contains("there is no such file"))
    try folder.write("a.safetensors.index.json", "{}")
    try folder.write("b.safetensors.index.json", "{}")
    #expect(errorText { _ = try Checkpoint.open(folder.path) }.contains("several indexes"))
  }

  @Test func filesAreToldApart() throws {
    let folder = try TemporaryFolder()
    #expect(try Checkpoint.open(folder.write("blob", Self.torch("p"))).names == ["p"])
    #expect(try Checkpoint.open(folder.write("blob2", Self.file([("a", 1)]))).names == ["a"])
    let pointer = try folder.write(
      "model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    #expect(errorText { _ = try Checkpoint.open(pointer) }.contains("Git LFS pointer"))
  }

  @Test func mergedSource() throws {
    let one = try SafetensorsFile(pages: OwnedPages.file(Self.file([("a", 1), ("b", 2)]), name: "one"))
    let two = try SafetensorsFile(pages: OwnedPages.file(Self.file([("a", 3), ("c", 4)]), name: "two"))
    let text = errorText { _ = try MergedSource([.init(one), .init(two)]) }
    #expect(text == "tensor `a` is in `one`, 2 tensors and in `two`, 2 tensors; wanted one place")
    let first = try MergedSource([.init(two), .init(one)], duplicates: .first)
    #expect(first.names == ["a", "c", "b"])
    #expect(try first.tensor("a")?.elements(UInt8.self) == [3])
    let prefixed = try MergedSource([.init(one), .init(two, prefix: "vision.")])
    #expect(prefixed.names == ["a", "b", "vision.a", "vision.c"])
    let tensor = try #require(try prefixed.tensor("vision.a"))
    #expect(tensor.name == "vision.a")
    #expect(tensor.elements(UInt8.self) == [3])
    #expect(try prefixed.tensor("c") == nil)
  }
}

import AviaryCore
import AviaryFormats
import AviaryTensor
import Glibc
import Testing

@Suite struct MappedFileTests {
  @Test func mapsBytes() throws {
    let folder = try TemporaryFolder()
    let file = try MappedFile(path: folder.write("a.bin", [1, 2, 3]))
    #expect(file.name == "a.bin")
    #expect(file.content == [1, 2, 3])
    #expect(try MappedFile(path: folder.write("empty", [])).content.isEmpty)
    #expect(try MappedFile(path: folder.link("link", to: "a.bin")).content == [1, 2, 3])
  }

  @Test func refusesWhatIsNoFile() throws {
    let folder = try TemporaryFolder()
    mkfifo(folder.path + "/pipe", 0o600)
    try folder.link("loop", to: "loop")
    try folder.link("dangling", to: "nothing")
    for (path, text) in [
      ("/nothing", "nothing: there is no such file"), ("/pipe", "pipe: it is a named pipe; wanted a regular file"),
      ("", "it is a folder"), ("/loop", "loop: its symbolic links lead in a circle"),
      ("/dangling", "there is no such file"),
      ("/x\0y", "NUL"), ("/" + String(repeating: "x", count: 300), "too long"),
    ] {
      let found = errorText { _ = try MappedFile(path: folder.path + path) }
      #expect(found.contains(text), "\(found)")
      #expect(!found.contains(folder.path), "an error shows no folder of this machine")
    }
    #expect(errorText { _ = try MappedFile(path: "/dev/zero") } == "zero: it is a device; wanted a regular file")
  }

  @Test(.enabled(if: geteuid() != 0)) func refusesUnreadable() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("secret", "x")
    chmod(path, 0)
    #expect(errorText { _ = try MappedFile(path: path) } == "secret: the file may not be read; wanted read permission")
  }

  /// Trust, group A 43: what is read behind the new end is zeros and an error, not the death of the process.
  @Test func aFileCutShortWhileMappedIsAnError() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("big", [UInt8](repeating: 7, count: 1 << 16))
    let (file, whole) = (try MappedFile(path: path), try MappedFile(path: try folder.write("whole", [UInt8](repeating: 8, count: 1 << 16))))
    try #require(truncate(path, 5000) == 0)
    #expect(file.bytes[4999] == 7)
    try file.checkIntact()
    #expect(file.bytes[60000] == 0)
    #expect(
      errorText { try file.checkIntact() }
        == "big: the file became shorter while it was in use; wanted the 65536 bytes that it had when it was opened")
    // The other pages behind the end as well, and nobody else's.
    #expect(file.bytes[16384..<65536].allSatisfy { $0 == 0 })
    #expect(file.bytes[4999] == 7 && whole.bytes[60000] == 8)
    try whole.checkIntact()
    // A mapping that comes after it in the same place is watched anew.
    let next = try MappedFile(path: path)
    try next.checkIntact()
  }

  @Test func ownedPagesAreAlignedAndZeroed() throws {
    let pages = try OwnedPages(count: 100, name: "p") { $0[1] = 7 }
    #expect(pages.content.prefix(3) == [0, 7, 0])
    #expect(Int(bitPattern: pages.bytes.baseAddress) % 64 == 0)
    #expect(errorText { _ = try OwnedPages(count: .max, name: "p") { _ in } }.contains("not to be had"))
    #expect(errorText { _ = try OwnedPages(count: -1, name: "p") { _ in } }.contains("not to be had"))
  }
}

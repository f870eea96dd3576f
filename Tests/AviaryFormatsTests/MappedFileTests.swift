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

  @Test func ownedPagesAreAlignedAndZeroed() throws {
    let pages = try OwnedPages(count: 100, name: "p") { $0[1] = 7 }
    #expect(pages.content.prefix(3) == [0, 7, 0])
    #expect(Int(bitPattern: pages.bytes.baseAddress) % 64 == 0)
    #expect(errorText { _ = try OwnedPages(count: .max, name: "p") { _ in } }.contains("not to be had"))
    #expect(errorText { _ = try OwnedPages(count: -1, name: "p") { _ in } }.contains("not to be had"))
  }
}

import AviaryCore
import AviaryTensor
import Foundation
import Testing

@testable import AviaryMedia

struct ImageFileTests {
  private func temporary<T>(_ body: (URL) throws -> T) throws -> T {
    let folder = FileManager.default.temporaryDirectory.appending(path: "aviary-media-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }

  private func load(_ path: String, _ limits: Limits = .standard) -> AviaryError? {
    failure(try ImageFile.load(path, limits: limits))
  }

  @Test func aFileIsRead() throws {
    try temporary { folder in
      let path = folder.appending(path: "a.jpg").path
      try Data(PNGBuilder.small()).write(to: URL(fileURLWithPath: path))
      #expect(try ImageFile.load(path).pixels == PNGBuilder.pixels)
      var limits = Limits.standard
      limits.imageFileBytes = PNGBuilder.small().count - 1
      #expect(load(path, limits)?.kind == .limit)
      try Data().write(to: URL(fileURLWithPath: path))
      #expect(load(path)?.kind == .format)
    }
  }

  @Test func whatIsNoRegularFileIsRefusedWithoutWaiting() throws {
    try temporary { folder in
      let pipe = folder.appending(path: "pipe").path
      #expect(mkfifo(pipe, 0o600) == 0)
      let link = folder.appending(path: "link").path
      #expect(symlink("link", link) == 0)
      for path in [pipe, folder.path, "/dev/zero", "/dev/null", link, folder.path + "/none", "", "a\0b"] {
        #expect(load(path)?.kind == .file, "\(path)")
      }
    }
  }

  @Test func errorsNameTheFileWithoutItsFolder() {
    let error = load("/nowhere/secret/picture.png")
    #expect(error?.place == "picture.png")
    #expect(error?.description.contains("secret") == false)
  }
}

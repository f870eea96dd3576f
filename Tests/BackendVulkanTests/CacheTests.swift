import AviaryTensor
import CAviaryVulkan
import TensorTestSupport
import Testing
import VulkanShaders

@testable import BackendVulkan

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// What is kept between processes, and what happens where it is broken.
struct CacheTests {
  /// A folder that is gone after the test.
  final class Folder {
    let path: String
    init() throws {
      var template = Array("/tmp/aviary-vulkan-XXXXXX".utf8CString)
      path = try #require(mkdtemp(&template).map { String(cString: $0) })
    }
    func files() -> [String] {
      guard let directory = opendir(path) else { return [] }
      defer { closedir(directory) }
      var names: [String] = []
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if !name.hasPrefix(".") { names.append("\(path)/\(name)") }
      }
      return names
    }
    deinit {
      for file in files() { unlink(file) }
      rmdir(path)
    }
  }

  @Test func pipelinesAreKeptAndABrokenFileIsMadeAnew() throws {
    let folder = try Folder()
    let (graph, values) = Rig.products()
    #expect(try Rig.agrees(try Rig.machine(cacheFolder: folder.path), graph, values))
    let file = try #require(folder.files().first { $0.contains("pipelines-") })
    let whole = try #require(Host.read(file))
    for broken in [Array(whole.dropLast(3)), whole.map { $0 ^ 0x55 }, [UInt8](repeating: 0, count: 100), []] {
      #expect(Host.write(broken, to: file))
      #expect(CacheFile(file).read() == nil)
      #expect(try Rig.agrees(try Rig.machine(cacheFolder: folder.path), graph, values))
      #expect(CacheFile(file).read() != nil, "made anew")
    }
  }

  @Test func aFolderThatCannotBeWrittenIsNoHindrance() throws {
    let (graph, values) = Rig.products()
    #expect(!Host.write([1], to: "/proc/no-such-folder/file"))
    #expect(try Rig.agrees(try Rig.machine(cacheFolder: "/proc/no-such-folder"), graph, values))
  }

  @Test func aDeviceThatComputesRightPassesItsTestOnce() throws {
    let folder = try Folder()
    let machine = try Rig.machine()
    try SelfTest(machine, folder: folder.path).require()
    #expect(machine.isTrusted)
    #expect(folder.files().contains { $0.contains("verdict-") })
    // The next process reads the verdict and runs nothing.
    let other = try Rig.machine()
    let before = VulkanBackend(other).submissions
    try SelfTest(other, folder: folder.path).require()
    #expect(VulkanBackend(other).submissions == before)
  }

  /// A driver that leaves out a dispatch is found, with the operation's name.
  @Test func aDeviceThatComputesWronglyIsRefused() throws {
    var functions = try Instance.open(validated: false).vk
    Skipping.real = functions
    functions.vkCmdDispatch = { commands, x, y, z in
      Skipping.count += 1
      if Skipping.count != 4 { Skipping.real.vkCmdDispatch(commands, x, y, z) }
    }
    let machine = try Rig.machine(functions: functions)
    let error = #expect(throws: AviaryError.self) { try SelfTest(machine, folder: nil).require() }
    #expect(error?.kind == .device)
    #expect(error?.description.contains("computes wrongly") == true)
    #expect(error?.description.contains("encoder") == true)
    #expect(error?.description.contains("--force-device") == true)
  }

  @Test func everyShaderIsThere() {
    #expect(ShaderLibrary.names.count >= 15)
    for name in ShaderLibrary.names { #expect(ShaderLibrary.spirv(name)?.first == 0x0723_0203) }
    #expect(ShaderLibrary.spirv("no such shader") == nil)
  }
}

private enum Skipping {
  nonisolated(unsafe) static var real = av_vk()
  nonisolated(unsafe) static var count = 0
}

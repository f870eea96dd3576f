import AviaryRuntime
import AviaryTensor
import CoreTestSupport
import Foundation
import Testing

/// A family as a shared library: written by the scaffold, compiled, loaded, run.
@Suite(.serialized) struct PluginTests {
  /// The example's, for a new family.
  static let configuration: String? = try? String(contentsOfFile: "\(Program.repository)/Examples/OutOfTreeModel/Tests/ViPLLaVATests/config.json", encoding: .utf8)
    .replacing("vipllava", with: "heron")
  static let picture = "\(Program.repository)/Tests/Golden/images/a-cat.png"

  /// Compiling takes the most time, so one test does all that needs the compiled library.
  @Test func aNewFamilyIsCompiledLoadedAndRun() throws {
    let folder = try TemporaryFolder()
    let at = folder.path
    #expect(try Program.aviary.run(["new", "architecture", "Heron", "--at", at]).code == 0)
    let compiled = try Program.aviary.run(["plugin", "\(at)/Heron", "-o", "\(at)/libHeron.so"])
    #expect(compiled.code == 0, "\(compiled.errors)")
    try folder.write("heron.json", try #require(Self.configuration))
    try folder.write("run.yaml", "plugins: [./libHeron.so]\nmodel: \(at)/tiny\nmax_tokens: 5\n")

    // Unknown without the library; with it, it is made and asked, by flag and by configuration.
    try Program.aviary.expectRefusal(["new", "checkpoint", "\(at)/tiny", "--like", "\(at)/heron.json"], "a model of type heron")
    #expect(!FileManager.default.fileExists(atPath: "\(at)/tiny"))
    let made = try Program.aviary.run(["new", "checkpoint", "\(at)/tiny", "--like", "\(at)/heron.json", "--plugin", "\(at)/libHeron.so"])
    #expect(made.code == 0, "\(made.errors)")
    let byFlag = try Program.aviary.run(["run", "\(at)/tiny", "--plugin", "\(at)/libHeron.so", "--image", Self.picture, "What?", "--max-tokens", "5", "--json"])
    #expect(byFlag.code == 0, "\(byFlag.errors)")
    let byFile = try Program.aviary.run(["run", "--config", "\(at)/run.yaml", "--image", Self.picture, "What?", "--json"])
    #expect(byFile.code == 0, "\(byFile.errors)")
    func ids(_ text: String) -> [String] { text.split(separator: "\"generated_ids\":").dropFirst().first.map { $0.prefix { $0 != "]" }.split(separator: ",").map(String.init) } ?? [] }
    #expect(ids(byFlag.output).count == 5 && ids(byFlag.output) == ids(byFile.output))

    // Twice the same file is once; another file with the same family is one too many.
    let twice = ["inspect", "\(at)/tiny", "--plugin", "\(at)/libHeron.so", "--plugin"]
    #expect(try Program.aviary.run(twice + ["\(at)/libHeron.so"]).output.contains("family      heron"))
    try FileManager.default.copyItem(atPath: "\(at)/libHeron.so", toPath: "\(at)/libOther.so")
    try Program.aviary.expectRefusal(twice + ["\(at)/libOther.so"], "libOther.so", "heron", "a name that is free")

    // Another number, and another compiler: refused with both, and nothing of the library runs.
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(at)/libHeron.so"))
    let magic = try #require(bytes.range(of: Data(PluginHeader.magic.utf8)))
    var older = bytes
    older[magic.upperBound] ^= 0xff
    try older.write(to: URL(fileURLWithPath: "\(at)/libOlder.so"))
    let olderHeader = try PluginHeader(file: "\(at)/libOlder.so")
    #expect(olderHeader.build == PluginHeader.own.build ^ 0xff)
    try Program.aviary.expectRefusal(["inspect", "\(at)/tiny", "--plugin", "\(at)/libOlder.so"], "libOlder.so", olderHeader.description, PluginHeader.own.description)
    var elsewhere = bytes
    elsewhere[magic.upperBound + 8] = UInt8(ascii: "5")
    try elsewhere.write(to: URL(fileURLWithPath: "\(at)/libElsewhere.so"))
    try Program.aviary.expectRefusal(["inspect", "\(at)/tiny", "--plugin", "\(at)/libElsewhere.so"], "Swift 5.", PluginHeader.own.description)

    try Self.expectTestsCompile(at)
  }

  /// The scaffold's tests compile beside its family.
  static func expectTestsCompile(_ folder: String) throws {
    let repository = try NewArchitectureTests.repository()
    #expect(try Program.aviary.run(["new", "architecture", "Heron"], in: repository.path).code == 0)
    let compiler = try Program.run("/usr/bin/env", ["bash", "-c", "readlink -f \"$(command -v swiftc)\""]).output.trimmingCharacters(in: .whitespacesAndNewlines)
    let toolchain = URL(fileURLWithPath: compiler).deletingLastPathComponent().deletingLastPathComponent()
    let files = ["Plugins/Architectures/Heron/Heron.swift", "Plugins/Architectures/Heron/HeronProcessor.swift", "Tests/FamilyTests/HeronTests.swift"]
    let checked = try Program.run(
      "/usr/bin/env",
      ["swiftc", "-typecheck", "-swift-version", "6", "-enable-upcoming-feature", "ExistentialAny", "-enable-upcoming-feature", "InternalImportsByDefault"]
        + ["-plugin-path", toolchain.appending(path: "lib/swift/host/plugins/testing").path, "-I", Program.folder.appending(path: "Modules").path]
        + moduleMaps().flatMap { ["-Xcc", "-fmodule-map-file=\($0)"] } + files.map { "\(repository.path)/\($0)" })
    #expect(checked.code == 0, "\(checked.errors)")
  }

  private static func moduleMaps() -> [String] {
    let root = URL(fileURLWithPath: Program.repository)
    let scratch = Program.folder.deletingLastPathComponent().deletingLastPathComponent()
    let folders = [(Program.folder, ""), (root.appending(path: "Sources"), "")]
      + ((try? FileManager.default.contentsOfDirectory(atPath: scratch.appending(path: "checkouts").path)) ?? []).map {
        (scratch.appending(path: "checkouts/\($0)/Sources"), "/include")
      }
    return folders.flatMap { folder, middle in
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted().map { "\(folder.path)/\($0)\(middle)/module.modulemap" }
    }.filter { FileManager.default.fileExists(atPath: $0) }
  }
}

/// Libraries that are none, made by the C compiler or by hand.
struct StrangePluginTests {
  static let entry = "void \(PluginLibrary.entry)(void *registrar) { (void)registrar; }\n"

  /// Compiles C source to a library in the folder.
  static func library(_ source: String, in folder: TemporaryFolder) throws -> String {
    try folder.write("plugin.c", source)
    let compiled = try Program.run("/usr/bin/env", ["clang", "-shared", "-fPIC", "\(folder.path)/plugin.c", "-o", "\(folder.path)/libplugin.so"])
    #expect(compiled.code == 0, "\(compiled.errors)")
    return "\(folder.path)/libplugin.so"
  }

  @Test func aLibraryWithoutAnEntryPoint() throws {
    let folder = try TemporaryFolder()
    let path = try Self.library(PluginHeader.own.source, in: folder)
    #expect(try PluginHeader(file: path) == .own)
    expectError(.config, "libplugin.so", PluginLibrary.entry) { _ = try PluginLibrary(path).register() }
    expectError(.config, "libplugin.so", PluginLibrary.entry) { _ = try Modules().loading([path]) }
  }

  @Test func aLibraryThatRegistersNothing() throws {
    let folder = try TemporaryFolder()
    let path = try Self.library(PluginHeader.own.source + Self.entry, in: folder)
    expectError(.config, "registers nothing") { _ = try PluginLibrary(path).register() }
  }

  @Test func aLibraryThatNeedsWhatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let source = "extern void nowhere(void);\nvoid (*place)(void) = nowhere;\n"
    let path = try Self.library(PluginHeader.own.source + Self.entry + source, in: folder)
    expectError(.config, "cannot be loaded", "nowhere") { _ = try PluginLibrary(path).register() }
  }

  /// Nothing of a stranger runs: its constructor would end the process.
  @Test func aLibraryOfAnotherBuildIsNotEvenLoaded() throws {
    let folder = try TemporaryFolder()
    let other = PluginHeader(build: 0x0123_4567_89ab_cdef, compiler: "6.2.4")
    let source = "#include <stdlib.h>\n__attribute__((constructor)) static void begin(void) { _Exit(77); }\n"
    let path = try Self.library(other.source + Self.entry + source, in: folder)
    expectError(.config, "build 0123456789abcdef, Swift 6.2.4", PluginHeader.own.description) { _ = try Modules().loading([path]) }
  }

  @Test func aLibraryThatIsNoPlugin() throws {
    let folder = try TemporaryFolder()
    expectError(.config, PluginHeader.section, "aviary plugin") { _ = try PluginLibrary(try Self.library(Self.entry, in: folder)) }
    let short = "__attribute__((section(\"\(PluginHeader.section)\"), used)) const char header[8] = \"AVIARYPL\";\n"
    expectError(.config, "another form") { _ = try PluginLibrary(try Self.library(short, in: folder)) }
  }

  @Test func filesThatAreNoLibrary() throws {
    let folder = try TemporaryFolder()
    try folder.write("text.so", "plugins: [me]")
    expectError(.format, "text.so", "no shared library") { _ = try PluginLibrary("\(folder.path)/text.so") }
    try folder.write("empty.so", "")
    expectError(.format, "no shared library") { _ = try PluginLibrary("\(folder.path)/empty.so") }
    expectError(.file, "no such file") { _ = try PluginLibrary("\(folder.path)/absent.so") }
    expectError(.file, "folder") { _ = try PluginLibrary(folder.path) }
    let whole = try Data(contentsOf: URL(fileURLWithPath: try Self.library(PluginHeader.own.source, in: folder)))
    try whole.prefix(100).write(to: URL(fileURLWithPath: "\(folder.path)/cut.so"))
    expectError(.format, "cut.so") { _ = try PluginLibrary("\(folder.path)/cut.so") }
  }

  @Test func pathsInAConfigurationStartAtIt() throws {
    var settings = Settings()
    try settings.apply(yaml: "plugins: [./libX.so, /opt/libY.so, ../libZ.so]", name: "/somewhere/deep/run.yaml")
    #expect(settings.plugins.map { URL(fileURLWithPath: $0).standardized.path } == ["/somewhere/deep/libX.so", "/opt/libY.so", "/somewhere/libZ.so"])
  }
}

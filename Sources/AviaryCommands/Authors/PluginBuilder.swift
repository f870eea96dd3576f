import AviaryRuntime
import AviaryTensor
import Foundation

/// Compiles sources to a shared library that leaves the core's symbols open: they are found in the program that loads it,
/// so that there is one core and not two.
struct PluginBuilder {
  /// The library's module.
  let name: String
  /// What it registers.
  let types: [String]

  /// - Throws: `.request` where the folder has no sources or a type is no name; `.config` where the compiler is absent, is
  ///   another one, or refuses the sources: with what it said.
  func build(_ folder: URL, to target: String) throws(AviaryError) {
    for type in types + [name] where !Scaffold.isTypeName(type) { throw AviaryError(.request, "the name \(type)", wanted: "a Swift type's name: Heron") }
    let files = ((try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []).filter { $0.hasSuffix(".swift") }.sorted()
    guard !files.isEmpty else { throw AviaryError(.request, "no Swift source in \(folder.path)", wanted: "a family's or a backend's folder") }
    let modules = try Self.modules()
    let scratch = FileManager.default.temporaryDirectory.appending(path: "aviary-plugin-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: scratch) }
    let (entry, header, object, library) = (
      scratch.appending(path: "Entry.swift"), scratch.appending(path: "header.c"), scratch.appending(path: "header.o"), scratch.appending(path: "plugin.so")
    )
    do {
      try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
      try Data(entryPoint.utf8).write(to: entry)
      try Data(PluginHeader.own.source.utf8).write(to: header)
    } catch { throw AviaryError(.file, "no temporary files can be written", wanted: "a place for them") }
    try Self.run(["clang", "-c", "-fPIC", "-O1", header.path, "-o", object.path])
    var command = [
      "swiftc", "-O", "-emit-library", "-module-name", name, "-swift-version", "6", "-enable-upcoming-feature", "ExistentialAny", "-enable-upcoming-feature",
      "InternalImportsByDefault", "-I", modules.path,
    ]
    for map in Self.moduleMaps(modules) { command += ["-Xcc", "-fmodule-map-file=\(map)"] }
    command += files.map { folder.appending(path: $0).path } + [entry.path, object.path, "-o", library.path]
    try Self.run(command)
    do {
      let place = URL(fileURLWithPath: target)
      if FileManager.default.fileExists(atPath: place.path) { try FileManager.default.removeItem(at: place) }
      try FileManager.default.moveItem(at: library, to: place)
    } catch { throw AviaryError(.file, "\(target) cannot be written", wanted: "a place for the library") }
  }

  /// The C function that the program calls. It compiles only where the modules are those of this very build.
  private var entryPoint: String {
    """
    import AviaryRuntime

    private typealias MadeForThisBuild = BuildNumber.Of_\(PluginHeader.hex(PluginHeader.own.build))

    @_cdecl("\(PluginLibrary.entry)") public func aviaryPluginRegister(_ registrar: UnsafeMutableRawPointer) {
    \(types.map { "  PluginRegistrar.at(registrar).add(\($0).self)" }.joined(separator: "\n"))
    }

    """
  }

  /// What a plugin may import.
  private static let interfaces = ["AviaryTensor", "AviaryCore", "AviaryNN", "AviaryParts", "AviaryMedia", "AviaryText", "AviaryRuntime"]

  private static func date(_ file: URL) -> Date {
    (try? FileManager.default.attributesOfItem(atPath: file.path))?[.modificationDate] as? Date ?? .distantPast
  }

  private static var ofAnotherBuild: AviaryError {
    AviaryError(.config, "the interfaces beside the program are of another build", wanted: "a build of both: swift build -c release --product aviary")
  }

  /// The interfaces of this build's modules, which lie beside the program.
  private static func modules() throws(AviaryError) -> URL {
    let program = URL(fileURLWithPath: Zoo.runningProgram ?? "").resolvingSymlinksInPath()
    let modules = program.deletingLastPathComponent().appending(path: "Modules")
    guard FileManager.default.fileExists(atPath: modules.appending(path: "AviaryRuntime.swiftmodule").path) else {
      throw AviaryError(.config, "no interfaces beside \(program.lastPathComponent)", wanted: "a program where it was built: .build/release/aviary")
    }
    // A build that stopped half way leaves interfaces of code that the program does not have.
    let built = date(program)
    for name in interfaces where date(modules.appending(path: "\(name).swiftmodule")) > built { throw ofAnotherBuild }
    return modules
  }

  /// The C modules that the core's modules stand on: those that were built, those of the system, those of packages.
  private static func moduleMaps(_ modules: URL) -> [String] {
    let build = modules.deletingLastPathComponent()
    // `.build/<triple>/release`
    let scratch = build.deletingLastPathComponent().deletingLastPathComponent()
    let sources = scratch.deletingLastPathComponent().appending(path: "Sources")
    func maps(_ folder: URL, _ middle: String = "") -> [String] {
      ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted().map { "\(folder.path)/\($0)\(middle)/module.modulemap" }
    }
    var all = maps(build) + maps(sources)
    for package in ((try? FileManager.default.contentsOfDirectory(atPath: scratch.appending(path: "checkouts").path)) ?? []).sorted() {
      all += maps(scratch.appending(path: "checkouts/\(package)/Sources"), "/include")
    }
    return all.filter { FileManager.default.fileExists(atPath: $0) }
  }

  /// Runs a tool of the toolchain on PATH.
  private static func run(_ command: [String]) throws(AviaryError) {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.standardOutput = output
    process.standardError = output
    do { try process.run() } catch { throw AviaryError(.config, "\(command[0]) cannot be run", wanted: "a Swift toolchain on PATH") }
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      if text.contains("'Of_") { throw ofAnotherBuild }
      throw AviaryError(.config, "\(command[0]) failed\n\(text.trimmingCharacters(in: .whitespacesAndNewlines))", wanted: "sources that compile")
    }
  }
}

import Foundation
import PackagePlugin

/// Numbers the build by what a plugin compiled against it depends on: the code of every module that a family or a backend
/// may import, and the compiler.
@main struct BuildNumber: BuildToolPlugin {
  static let modules = ["AviaryTensor", "AviaryCore", "AviaryNN", "AviaryParts", "AviaryMedia", "AviaryText"]

  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    let sources = context.package.directoryURL.appending(path: "Sources")
    var files: [URL] = []
    for module in Self.modules {
      let walk = FileManager.default.enumerator(at: sources.appending(path: module), includingPropertiesForKeys: nil)
      while let file = walk?.nextObject() as? URL { if file.pathExtension == "swift" { files.append(file) } }
    }
    // The registrar stands between the two sides as well.
    files.append(contentsOf: ["PluginLibrary", "PluginHeader"].map { target.directory(of: $0) })
    files.sort { $0.path < $1.path }
    let output = context.pluginWorkDirectoryURL.appending(path: "BuildNumber.swift")
    return [
      .buildCommand(
        displayName: "Numbering the build", executable: try context.tool(named: "BuildNumberTool").url,
        arguments: [output.path, try context.tool(named: "swiftc").url.path] + files.map(\.path), inputFiles: files, outputFiles: [output])
    ]
  }
}

extension Target {
  fileprivate func directory(of file: String) -> URL {
    (self as? SwiftSourceModuleTarget).map { $0.directoryURL.appending(path: "Modules/\(file).swift") } ?? URL(fileURLWithPath: file)
  }
}

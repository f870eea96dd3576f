import Foundation
import PackagePlugin

/// Writes the list of model families from the folders of the target, so that adding one is adding a folder.
@main struct Registry: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    guard let target = target as? SwiftSourceModuleTarget else { return [] }
    let folders = try FileManager.default.contentsOfDirectory(at: target.directoryURL, includingPropertiesForKeys: [.isDirectoryKey])
      .filter { try $0.resourceValues(forKeys: [.isDirectoryKey]).isDirectory == true }
      .filter { FileManager.default.fileExists(atPath: $0.appending(path: "\($0.lastPathComponent).swift").path) }
      .map(\.lastPathComponent).sorted()
    let output = context.pluginWorkDirectoryURL.appending(path: "Registry.swift")
    return [
      .buildCommand(
        displayName: "Listing \(folders.count) architectures", executable: try context.tool(named: "RegistryTool").url,
        arguments: [output.path] + folders, inputFiles: folders.map { target.directoryURL.appending(path: "\($0)/\($0).swift") },
        outputFiles: [output])
    ]
  }
}

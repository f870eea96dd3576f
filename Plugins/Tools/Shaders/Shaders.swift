import Foundation
import PackagePlugin

/// Compiles the target's GLSL to SPIR-V, embedded in one Swift file: a broken shader is a build error with file and line.
@main struct Shaders: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    guard let target = target as? SwiftSourceModuleTarget else { return [] }
    let files = FileManager.default
    let shaders = try files.contentsOfDirectory(at: target.directoryURL, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "comp" }.sorted { $0.path < $1.path }
    let folder = target.directoryURL.appending(path: "include")
    let includes = try files.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let output = context.pluginWorkDirectoryURL.appending(path: "Shaders.swift")
    return [
      .buildCommand(
        displayName: "Compiling \(shaders.count) shaders", executable: try context.tool(named: "ShaderTool").url,
        arguments: [output.path, folder.path] + shaders.map(\.path), inputFiles: shaders + includes, outputFiles: [output])
    ]
  }
}

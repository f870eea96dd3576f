import Foundation
import PackagePlugin

/// Embeds the family of Examples/OutOfTreeModel, with which `aviary new architecture` begins.
@main struct ExampleFamily: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    let example = context.package.directoryURL.appending(path: "Examples/OutOfTreeModel")
    let files = [
      ("architecture", "Sources/ViPLLaVA/ViPLLaVA.swift"), ("processor", "Sources/ViPLLaVA/ViPLLaVAProcessor.swift"),
      ("configuration", "Tests/ViPLLaVATests/config.json"),
    ].map { (name: $0, file: example.appending(path: $1)) }
    let output = context.pluginWorkDirectoryURL.appending(path: "ExampleFamily.swift")
    return [
      .buildCommand(
        displayName: "Embedding the example family", executable: try context.tool(named: "EmbedTool").url,
        arguments: [output.path, "ExampleFamily"] + files.flatMap { [$0.name, $0.file.path] }, inputFiles: files.map(\.file), outputFiles: [output])
    ]
  }
}

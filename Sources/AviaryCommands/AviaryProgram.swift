import ArgumentParser
public import AviaryCore
import AviaryRuntime
public import AviaryTensor
import Foundation

/// The command line as a library: `aviary` itself is one call of it, and a program that brings models or machines of its
/// own is the same call with their types.
///
///     @main struct Main {
///       static func main() async { await AviaryProgram.main(architectures: [Heron.self]) }
///     }
public enum AviaryProgram {
  /// Reads the process's arguments, runs the command that they name, and ends the process with its exit code: 0, 2 for a
  /// mistake in what was asked, 1 for ours, 130 for Ctrl-C.
  ///
  /// - Parameters:
  ///   - name: what the program is called in its own help.
  ///   - architectures: families beside those of this build. Where two recognise a checkpoint, these are asked first.
  ///   - backends: machines beside those of this build, for `--backend`.
  public static func main(
    name: String = "aviary", architectures: [any Architecture.Type] = [], backends: [any Backend.Type] = []
  ) async -> Never {
    let code = await run(Array(CommandLine.arguments.dropFirst()), name: name, architectures: architectures, backends: backends)
    exit(code)
  }

  /// The same for given arguments; returns the exit code. Answers go to this process's stdout, all else to stderr.
  public static func run(
    _ arguments: [String], name: String = "aviary", architectures: [any Architecture.Type] = [], backends: [any Backend.Type] = []
  ) async -> Int32 {
    do {
      let modules = try Modules().adding(architectures: architectures, backends: backends)
      return await Modules.$ofProgram.withValue(modules) { await CommandTree.$name.withValue(name) { await execute(arguments) } }
    } catch {
      Console.error("error: \(error)")
      return error.exitCode
    }
  }

  private static func execute(_ arguments: [String]) async -> Int32 {
    do {
      var command = try CommandTree.parseAsRoot(TwoValued.joined(arguments))
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return 0
    } catch let error as AviaryError {
      Console.error("error: \(error)")
      return error.exitCode
    } catch let error as ExitCode {
      return error.rawValue
    } catch {
      // ArgumentParser's own: help goes to stdout with 0; a mistake in the arguments is the user's.
      let isHelp = CommandTree.exitCode(for: error) == .success
      let text = CommandTree.fullMessage(for: error)
      if isHelp { Console.print(text) } else { Console.error(text) }
      return isHelp ? 0 : 2
    }
  }
}

/// All commands. Results go to stdout, progress and timings to stderr.
struct CommandTree: AsyncParsableCommand {
  /// What the running program is called.
  @TaskLocal static var name = "aviary"

  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: name,
      abstract: "Open multimodal models on the hardware you have.",
      discussion: "A MODEL is a checkpoint's folder, `org/name` in the Hugging Face cache, or a manifest of the zoo.",
      version: "0.1.0",
      subcommands: [Run.self, Chat.self, Compare.self, Verify.self, Bench.self, Train.self, Eval.self, Scenes.self, Merge.self, List.self, Inspect.self, Convert.self, PerplexityCommand.self, Devices.self, LimitsCommand.self,
        New.self, Plugin.self,
      ])
  }
}

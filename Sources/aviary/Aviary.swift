import ArgumentParser
import AviaryTensor
import Foundation

/// The command line. Results go to stdout, progress and timings to stderr.
@main struct Aviary: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aviary",
    abstract: "Open multimodal models on the hardware you have.",
    discussion: "A MODEL is a checkpoint's folder, `org/name` in the Hugging Face cache, or a manifest of the zoo.",
    version: "0.1.0",
    subcommands: [Run.self, Chat.self, Verify.self, Bench.self, List.self, Inspect.self, Devices.self, LimitsCommand.self])

  static func main() async {
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch let error as AviaryError {
      Console.error("error: \(error)")
      Foundation.exit(error.exitCode)
    } catch let error as ExitCode {
      Foundation.exit(error.rawValue)
    } catch {
      // ArgumentParser's own: help goes to stdout with 0; a mistake in the arguments is the user's.
      let isHelp = exitCode(for: error) == .success
      let text = fullMessage(for: error)
      if isHelp { Console.print(text) } else { Console.error(text) }
      Foundation.exit(isHelp ? 0 : 2)
    }
  }
}

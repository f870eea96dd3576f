import ArgumentParser
import AviaryRuntime

/// Draws what a run logged.
struct TrainReport: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "report", abstract: "Draw a run's losses as losses.svg and losses.png in its folder.")

  @Argument(help: ArgumentHelp("The run's folder.", valueName: "run"))
  var folder: String

  func run() throws {
    for path in try LossCurve.write(folder) { Console.print(path) }
  }
}

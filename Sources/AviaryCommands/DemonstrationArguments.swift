import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// Flags that show a model what kind of answer is wanted.
struct DemonstrationArguments: ParsableArguments {
  @Option(help: ArgumentHelp("A picture and the answer to it, shown first; may be given several times.", valueName: "image> <answer"))
  var shot: [ShotArgument] = []
  @Option(help: ArgumentHelp("Messages shown first: JSONL with role and content, pictures by path.", valueName: "file"))
  var shots: [String] = []

  func load(for session: ModelSession) throws(AviaryError) -> Demonstrations {
    try Demonstrations(files: shots, shots: shot.map(\.shot), for: session.engine.loaded)
  }
}

/// The two values of `--shot`, which `TwoValued` joins before the parser sees them.
struct ShotArgument: ExpressibleByArgument {
  let shot: Demonstrations.Shot

  init?(argument: String) {
    let halves = argument.split(separator: TwoValued.separator, maxSplits: 1, omittingEmptySubsequences: false)
    guard halves.count == 2 else { return nil }
    shot = Demonstrations.Shot(image: String(halves[0]), answer: String(halves[1]))
  }
}

/// Options with two values. The parser knows options with one value and with as many as there are, and the latter would take
/// the words behind them as well. So both values are joined to one, by a character that no argument of a process can have.
enum TwoValued {
  static let separator: Character = "\0"
  private static let options: Set = ["--shot"]

  /// The arguments with the two words behind each such option as one, up to `--`.
  static func joined(_ arguments: [String]) -> [String] {
    var result: [String] = []
    var rest = arguments[...]
    while let word = rest.popFirst() {
      guard word != "--" else { return result + [word] + rest }
      guard options.contains(word), rest.count >= 2, let first = rest.popFirst(), let second = rest.popFirst() else {
        result.append(word)
        continue
      }
      result.append("\(word)=\(first)\(separator)\(second)")
    }
    return result
  }
}

import ArgumentParser
import AviaryCore
import AviaryRuntime
import AviaryTensor

/// The limits on untrusted input.
struct LimitsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "limits", abstract: "Print every limit on untrusted input.")

  func run() {
    Console.print(Table.text([["limit", "value", "meaning"]] + Limits.standard.rows.map { [$0.name, $0.value, $0.meaning] }))
  }
}

/// What models can run on here.
struct Devices: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "Show backends and their devices.")
  @OptionGroup var backend: BackendArguments

  func run() throws {
    let settings = try backend.settings()
    var options = BackendOptions()
    options.threads = settings.threads
    options.device = settings.device
    for type in try settings.modules().backends.all {
      do throws(AviaryError) {
        let capabilities = try type.init(options).capabilities
        Console.print("\(type.id): \(capabilities.deviceName), \(capabilities.memoryBytes == .max ? "all" : Amount.bytes(capabilities.memoryBytes)) memory")
        for (name, value) in capabilities.details { Console.print("  \(name): \(value)") }
      } catch {
        Console.print("\(type.id): not usable here: \(error)")
      }
    }
  }
}

enum Table {
  /// Columns padded to their widest cell.
  static func text(_ rows: [[String]]) -> String {
    guard let head = rows.first else { return "" }
    let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { cells in
      zip(cells.indices, cells).map { index, cell in
        index == cells.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}

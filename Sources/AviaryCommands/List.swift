import ArgumentParser
import AviaryRuntime
import AviaryTensor

/// The published checkpoints that the zoo knows.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the zoo's published checkpoints, and which are on this machine.")

  func run() throws {
    let zoo = try Zoo.find(.here)
    let types: [(String, DType)] = [("f32", .f32), ("16 bits", .bf16), ("q8_0", .q8_0), ("q4_k", .q4_k)]
    var rows = [["name", "family"] + types.map(\.0) + ["here", "licence", "published at"]]
    for manifest in zoo.manifests {
      let present = zoo.presence(of: manifest, .here)
      rows.append(
        [manifest.name, manifest.family] + types.map { Amount.bytes(Int(manifest.bytes(as: $0.1))) }
          + [present.word, manifest.licence, manifest.repository])
    }
    Console.print(Table.text(rows))
    for case (let name, .incomplete(let error)) in zoo.manifests.map({ ($0.name, zoo.presence(of: $0, .here)) }) {
      Console.error("\(name): \(error)")
    }
  }
}

extension Zoo.Presence {
  fileprivate var word: String {
    switch self {
    case .absent: "no"
    case .incomplete: "incomplete"
    case .present: "yes"
    }
  }
}

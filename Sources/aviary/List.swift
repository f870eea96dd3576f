import ArgumentParser
import AviaryRuntime
import AviaryTensor

/// The published checkpoints that the zoo knows.
struct List: ParsableCommand {
  static let configuration = CommandConfiguration(abstract: "List the zoo's published checkpoints, and which are on this machine.")

  func run() throws {
    let zoo = try Zoo.find(ModelLoader.here.surroundings)
    var rows = [["name", "family", "f32", "16 bits", "here", "licence", "published at"]]
    for manifest in zoo.manifests {
      let present = zoo.presence(of: manifest, ModelLoader.here.surroundings)
      rows.append([
        manifest.name, manifest.family, Amount.bytes(Int(manifest.bytes(as: .f32))), Amount.bytes(Int(manifest.bytes(as: .bf16))), present.word,
        manifest.licence, manifest.repository,
      ])
    }
    Console.print(Table.text(rows))
    for case (let name, .incomplete(let error)) in zoo.manifests.map({ ($0.name, zoo.presence(of: $0, ModelLoader.here.surroundings)) }) {
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

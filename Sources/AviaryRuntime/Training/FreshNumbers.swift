import AviaryCore
import AviaryTensor
import Foundation

/// The numbers with which a model's weights begin, by their published names.
///
/// All that flows through a small model begins at about one in size, whatever its width: tables and loose vectors have 0.5 as standard deviation,
/// matrices 1 / inputs as variance (LeCun 1998). What ends a block's branch is smaller by the root of the branches of its tower (as in GPT-2,
/// Radford et al. 2019), so that what a token or a place is does not drown in what is added to it. Norms are ones; biases and gates are zeros.
/// Places of an encoder's patches begin as waves along both sides of the picture (as He et al. 2021, masked autoencoders, keep them): neighbours are alike, so
/// that "left" is one direction and need not be learnt from each place by itself; and they are as large as what patches bring, whose pixels are much alike and add
/// up: smaller ones drown before a language model has learnt to read them. What a module says of its weights (`Beginning`) goes before all this.
struct FreshNumbers {
  private let seed: UInt64
  /// Blocks by the path in front of their numbers.
  private var blocks: [String: Int] = [:]
  private var shapes: [Shape: Int] = [:]

  private let beginnings: [String: Beginning]

  init(_ weights: [(name: String, shape: Shape)], _ beginnings: [String: Beginning], seed: UInt64) {
    (self.seed, self.beginnings) = (seed, beginnings)
    for (name, shape) in weights {
      shapes[shape, default: 0] += 1
      if let block = Self.block(name) { blocks[block.tower] = max(blocks[block.tower] ?? 0, block.number + 1) }
    }
  }

  private static let tables = ["embed", "wte", "wpe"]
  private static let branchEnds: Set = ["o_proj", "out_proj", "down_proj", "fc2", "c_proj", "dense_4h_to_h"]

  /// "model.layers.3.mlp.fc2.weight" is of block 3 of the tower "model.layers".
  private static func block(_ name: String) -> (tower: String, number: Int)? {
    let parts = name.split(separator: ".")
    guard let place = parts.firstIndex(where: { Int($0) != nil }), let number = Int(parts[place]) else { return nil }
    return (parts[..<place].joined(separator: "."), number)
  }

  func callAsFunction(_ name: String, _ shape: Shape) -> [Float] {
    var times: Float = 3
    switch beginnings[name] {
    case .constant(let value): return [Float](repeating: value, count: shape.elements)
    case .like(let other): return plain(other, shape)
    case .places(let declared): times = declared
    case nil: break
    }
    var numbers = plain(name, shape)
    if let side = Self.side(name, shape) {
      numbers.replaceSubrange((numbers.count - side * side * shape[-1])..., with: Self.waves(side, shape[-1]).map { times * $0 })
    }
    return numbers
  }

  /// Patches along a side, of a table of their places: [places, width], with a token for the whole picture in front where there is one, or those behind
  /// an axis of one, or [1, side, side, width].
  private static func side(_ name: String, _ shape: Shape) -> Int? {
    let isTable = name.contains("pos_embed") || name.contains("vis") && name.contains("position")
    guard isTable, (2...4).contains(shape.count), shape.count == 2 || shape[0] == 1, shape[-1] % 4 == 0, shape[-1] >= 8 else { return nil }
    let places = shape.count == 4 ? shape[1] * shape[2] : shape[-2]
    let side = Int(Double(places).squareRoot())
    return side > 1 && (0...1).contains(places - side * side) ? side : nil
  }

  /// Sines and cosines of the column, then of the row, from a radian a patch to a radian a side, with the size of tables.
  private static func waves(_ side: Int, _ width: Int) -> [Float] {
    let quarter = width / 4
    func waves(_ place: Int) -> [Float] {
      let phases = (0..<quarter).map { Double(place) * pow(Double(side), -Double($0) / Double(quarter - 1)) }
      return (phases.map(sin) + phases.map(cos)).map { Float($0 * 0.5.squareRoot()) }
    }
    let along = (0..<side).map(waves)
    return (0..<side).flatMap { row in (0..<side).flatMap { along[$0] + along[row] } }
  }

  private func plain(_ name: String, _ shape: Shape) -> [Float] {
    if name.hasSuffix("bias") || shape.elements == 1 { return [Float](repeating: 0, count: shape.elements) }
    if shape.count == 1, name.contains("norm") || name.contains("ln_"), name.hasSuffix("weight") { return [Float](repeating: 1, count: shape.elements) }
    // Each tensor has numbers of its own, whatever else the model has.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    var random = SplitMix64(seed: seed ^ hash)
    let reach = deviation(name, shape) * 3.0.squareRoot()
    return (0..<shape.elements).map { _ in Float(Double.random(in: -reach...reach, using: &random)) }
  }

  private func deviation(_ name: String, _ shape: Shape) -> Double {
    let inputs = shape.count < 2 ? 1 : shape.dropFirst().elements
    let isTable = shape.count < 2 || shape.count == 2 && Self.tables.contains(where: name.contains)
    // A table of tokens that nothing else is as large as is the head, too.
    let isHead = isTable && shape.count == 2 && !name.contains("pos") && !name.contains("wpe") && shapes[shape] == 1
    if isTable, !isHead { return 0.5 }
    let ends = name.split(separator: ".").suffix(2).contains { Self.branchEnds.contains(String($0)) }
    let branches = ends ? Self.block(name).flatMap { blocks[$0.tower] }.map { 2 * $0 } ?? 1 : 1
    return 1 / Double(inputs * branches).squareRoot()
  }
}

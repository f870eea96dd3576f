import AviaryCore

/// Which lines of a data set are asked one after the other about the same pictures. Such a conversation costs little more than one of its
/// questions, since the pictures are most of it.
struct TurnGroups {
  private let isJoining: Bool
  private(set) var groups: [[Int]] = []
  private var group: [[String]: Int] = [:]
  private var count = 0

  /// - Parameter isJoining: otherwise each line is a group of its own.
  init(isJoining: Bool) { self.isJoining = isJoining }

  /// Adds the next line by its pictures; lines without any stay alone.
  mutating func add(_ images: [String]) {
    defer { count += 1 }
    if isJoining, !images.isEmpty {
      if let known = group[images] {
        groups[known].append(count)
        return
      }
      group[images] = groups.count
    }
    groups.append([count])
  }

  /// Up to `turns` of a group's lines, in an order that follows from the seed.
  static func drawn(_ lines: [Int], _ turns: Int, seed: UInt64) -> [Int] {
    guard lines.count > 1 else { return lines }
    var random = SplitMix64(seed: seed)
    return Array(lines.shuffled(using: &random).prefix(turns))
  }
}

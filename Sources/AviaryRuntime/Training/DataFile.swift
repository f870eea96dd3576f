import AviaryCore
import AviaryFormats
import AviaryTensor
import AviaryTrain

/// A file of conversations: JSONL, or one JSON array. Mapped; only the places of its lines are kept.
final class DataFile: Sendable {
  let name: String
  private let pages: MappedFile
  /// Bytes and number of each line that is used.
  private let lines: [(bytes: Range<Int>, number: Int)]
  /// Lines that become one conversation: those about the same pictures, where turns are joined.
  private let groups: [[Int]]
  private let turns: Int
  private let isArray: Bool
  let imageFolder: String
  /// Lines that were left out, with what is wrong.
  let skipped: [AviaryError]

  /// Conversations.
  var count: Int { groups.count }

  /// Opens and checks every line before training starts, pictures' files included.
  ///
  /// - Parameter skipsBad: leave lines out that cannot be read, instead of an error.
  /// - Throws: the first bad line's error with file and line number; `.format` where nothing is left.
  init(_ set: TrainConfig.DataSet, skipsBad: Bool, needsAnswers: Bool = true) throws(AviaryError) {
    let name = set.path.split(separator: "/").last.map(String.init) ?? set.path
    self.name = name
    imageFolder = set.images
    let pages = try MappedFile(path: set.path)
    self.pages = pages
    let found = try withExtendedLifetime(pages) { () throws(AviaryError) in try Self.split(pages.bytes, name: pages.name) }
    isArray = found.isArray
    let unit = found.isArray ? "item" : "line"
    var good: [(bytes: Range<Int>, number: Int)] = []
    var bad: [AviaryError] = []
    var grouping = TurnGroups(isJoining: set.turns > 1)
    let checks = LineChecks(isThorough: skipsBad)
    let checked = checks(found.lines.count) { (index) throws(AviaryError) in
      let line = found.lines[index]
      let place = "\(name), \(unit) \(line.number)"
      return try Conversation(try Self.json(pages, line.bytes, place), needsAnswer: needsAnswers, at: place).images
    } picture: { (image, index) throws(AviaryError) in
      try Self.checkImage(set.images, image, "\(name), \(unit) \(found.lines[index].number)")
    }
    for (line, result) in zip(found.lines, checked) {
      do throws(AviaryError) {
        grouping.add(try result.get())
        good.append(line)
      } catch {
        guard skipsBad else { throw error }
        bad.append(error)
      }
    }
    guard !good.isEmpty else { throw AviaryError(.format, "no conversation\(bad.isEmpty ? "" : " of \(bad.count) can be used; the first: \(bad[0])")", wanted: "at least one", at: name) }
    lines = good
    (groups, turns) = (grouping.groups, set.turns)
    skipped = bad
  }

  /// A conversation as it is trained on: where turns are joined, each pass draws others of the same pictures, in another order.
  func conversation(_ index: Int, pass: Int) throws(AviaryError) -> Conversation {
    var joined: Conversation?
    for line in TurnGroups.drawn(groups[index], turns, seed: UInt64(index) << 32 &+ UInt64(pass)) {
      let next = try Conversation(try Self.json(pages, lines[line].bytes, linePlace(line)), at: linePlace(line))
      if joined == nil { joined = next } else { joined?.goOn(with: next) }
    }
    return joined ?? Conversation([])
  }

  func json(_ index: Int) throws(AviaryError) -> JSONValue { try Self.json(pages, lines[groups[index][0]].bytes, place(index)) }

  /// File and line, for messages; of several lines the first.
  func place(_ index: Int) -> String { linePlace(groups[index][0]) }
  private func linePlace(_ line: Int) -> String { "\(name), \(isArray ? "item" : "line") \(lines[line].number)" }

  /// A picture's path on this machine.
  static func imagePath(_ folder: String, _ path: String) -> String { path.hasPrefix("/") ? path : folder + "/" + path }

  private static func checkImage(_ folder: String, _ path: String, _ place: String) throws(AviaryError) {
    if path.hasPrefix("data:") { return }
    guard Folder.exists(imagePath(folder, path)) else { throw AviaryError(.file, "no picture \(path)", wanted: "a file below \(folder)", at: place) }
  }

  private static func json(_ pages: MappedFile, _ range: Range<Int>, _ place: String) throws(AviaryError) -> JSONValue {
    try withExtendedLifetime(pages) { () throws(AviaryError) in
      try JSONParser.parse(UnsafeRawBufferPointer(rebasing: pages.bytes[range]), name: place)
    }
  }

  /// The bytes of each record: lines that are not blank, or the elements of an array.
  private static func split(_ bytes: UnsafeRawBufferPointer, name: String) throws(AviaryError) -> (isArray: Bool, lines: [(bytes: Range<Int>, number: Int)]) {
    guard let first = bytes.firstIndex(where: { !isBlank($0) }) else { throw AviaryError(.format, "the file is empty", wanted: "conversations", at: name) }
    if bytes[first] == UInt8(ascii: "[") { return (true, try elements(bytes, from: first + 1, name: name)) }
    var lines: [(bytes: Range<Int>, number: Int)] = []
    var start = 0
    var number = 1
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      if bytes[start..<end].contains(where: { !isBlank($0) }) { lines.append((start..<end, number)) }
      start = end + 1
      number += 1
    }
    return (false, lines)
  }

  /// The elements of an array of objects, found by their braces; each is parsed and checked later.
  private static func elements(_ bytes: UnsafeRawBufferPointer, from: Int, name: String) throws(AviaryError) -> [(bytes: Range<Int>, number: Int)] {
    var items: [(bytes: Range<Int>, number: Int)] = []
    var (depth, start, isText, isEscaped) = (0, from, false, false)
    for i in from..<bytes.count {
      let byte = bytes[i]
      if isText {
        if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { isText = false }
        continue
      }
      switch byte {
      case UInt8(ascii: "\""): isText = true
      case UInt8(ascii: "{"), UInt8(ascii: "["):
        if depth == 0 { start = i }
        depth += 1
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if depth == 0, byte == UInt8(ascii: "]") { return items }
        depth -= 1
        if depth == 0 { items.append((start..<i + 1, items.count + 1)) }
        if depth < 0 { throw AviaryError(.format, "a bracket that nothing opened at byte \(i)", wanted: "a JSON array", at: name) }
      default: break
      }
    }
    throw AviaryError(.format, "the array does not end", wanted: "a closing bracket", at: name)
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
}

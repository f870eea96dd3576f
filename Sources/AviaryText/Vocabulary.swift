import AviaryCore
import AviaryTensor

/// Spellings and ids, both ways. Ids may leave gaps; each belongs to one spelling.
struct Vocabulary: Sendable {
  private var table: ByteStringTable
  /// By index in the table.
  private var ids: [Int32] = []
  /// By id; -1 in a gap.
  private var indices: [Int32] = []

  init(capacity: Int = 0) {
    table = ByteStringTable(capacity: capacity)
    ids.reserveCapacity(capacity)
    indices.reserveCapacity(capacity)
  }

  var count: Int { ids.count }
  /// One more than the largest id.
  var endID: Int { indices.count }

  /// Reads `{"spelling": id, ...}`.
  init(_ json: JSONReader, _ limits: Limits) throws(AviaryError) {
    let object = try json.object()
    guard object.count <= limits.vocabulary else {
      throw AviaryError(.limit, "a vocabulary of \(object.count)", wanted: "at most \(limits.vocabulary)", at: json.path)
    }
    self.init(capacity: object.count)
    for (key, value) in object.members {
      guard case .int(let id) = value, id >= 0, id < limits.vocabulary else {
        _ = try JSONReader(value, at: "\(json.path)[\"\(key.prefix(40))\"]").tokenID(limits)
        continue
      }
      try add(key.utf8.span, id: Int32(id), at: json.path)
    }
    guard count > 0 else { throw AviaryError(.format, "the vocabulary is empty", at: json.path) }
  }

  /// - Precondition: the id is not negative and has passed the limit.
  mutating func add(_ spelling: Span<UInt8>, id: Int32, at place: String) throws(AviaryError) {
    let (index, isNew) = table.insert(spelling)
    guard isNew else {
      let text = String(decoding: table[index], as: UTF8.self)
      throw AviaryError(.format, "the token \"\(text.prefix(40))\" stands twice in the vocabulary", at: place)
    }
    while indices.count <= Int(id) { indices.append(-1) }
    if let other = bytes(of: id) {
      let (new, old) = (String(decoding: table[index], as: UTF8.self), String(decoding: other, as: UTF8.self))
      throw AviaryError(
        .format, "the id \(id) belongs to two tokens, \"\(old.prefix(40))\" and \"\(new.prefix(40))\"", at: place)
    }
    ids.append(id)
    indices[Int(id)] = Int32(index)
  }

  func id(of spelling: Span<UInt8>) -> Int32? { table.find(spelling).map { ids[$0] } }
  func id(of spelling: [UInt8]) -> Int32? { id(of: spelling.span) }
  func id(of spelling: String) -> Int32? { id(of: spelling.utf8.span) }

  func bytes(of id: Int32) -> ArraySlice<UInt8>? {
    guard id >= 0, Int(id) < indices.count, indices[Int(id)] >= 0 else { return nil }
    return table[Int(indices[Int(id)])]
  }

  /// All ids that have a spelling, ascending.
  var allIDs: [Int32] { indices.indices.compactMap { indices[$0] >= 0 ? Int32($0) : nil } }
}

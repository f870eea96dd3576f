import AviaryCore
import AviaryTensor

/// The `Unigram` model of a `tokenizer.json`: the segmentation of highest total score (Kudo 2018,
/// https://arxiv.org/abs/1804.10959), found by dynamic programming over the places of a word.
struct UnigramModel: SubwordModel {
  let vocabulary: Vocabulary
  /// Tokens with their ids; control tokens are left out.
  private let trie: ByteTrie
  /// By id.
  private let scores: [Double]
  private let unknown: Int32
  private let unknownScore: Double
  private let byteFallback: ByteFallback

  /// How much worse than the worst token an unknown character is.
  private static let unknownPenalty = 10.0
  private static let longestToken = 1024

  init(_ json: JSONReader, forbidding forbidden: ByteStringTable, _ limits: Limits) throws(AviaryError) {
    let entries = try json.required("vocab").elements()
    guard entries.count <= limits.vocabulary else {
      throw AviaryError(.limit, "a vocabulary of \(entries.count)", wanted: "at most \(limits.vocabulary)", at: json.path)
    }
    guard !entries.isEmpty else { throw AviaryError(.format, "the vocabulary is empty", at: json.path) }
    var vocabulary = Vocabulary(capacity: entries.count)
    var trie = ByteTrie()
    var scores: [Double] = []
    for (id, entry) in entries.enumerated() {
      guard let pair = entry.value.array, pair.count == 2, let token = pair[0].string, let score = pair[1].double,
        score.isFinite, token.utf8.count <= UnigramModel.longestToken
      else { throw entry.unfit("a token and its finite score") }
      try vocabulary.add(token.utf8.span, id: Int32(id), at: entry.path)
      scores.append(score)
      if forbidden.find(token) == nil { trie.insert(token.utf8, Int32(id)) }
    }
    let unknown = try json.required("unk_id").tokenID(limits)
    guard Int(unknown) < entries.count else {
      throw AviaryError(.format, "the unknown token \(unknown)", wanted: "below \(entries.count)", at: json.path)
    }
    self.vocabulary = vocabulary
    self.trie = trie
    self.scores = scores
    self.unknown = unknown
    unknownScore = (scores.min() ?? 0) - UnigramModel.unknownPenalty
    byteFallback = try ByteFallback(json, vocabulary)
  }

  /// The best way to reach a place.
  private struct Node {
    var score = -Double.infinity
    var start = -1
    var id: Int32 = -1
  }

  func encode(_ word: Span<UInt8>, _ cache: inout WordCache, into ids: inout [Int32]) {
    if let known = cache.find(word) {
      ids.append(contentsOf: known)
      return
    }
    let nodes = paths(word)
    var tokens: [(id: Int32, range: Range<Int>)] = []
    var end = word.count
    while end > 0, nodes[end].start >= 0 {
      let range = nodes[end].start..<end
      // Neighbouring unknown characters are one token.
      if nodes[end].id == unknown, let last = tokens.last, last.id == unknown {
        tokens[tokens.count - 1].range = range.lowerBound..<last.range.upperBound
      } else {
        tokens.append((nodes[end].id, range))
      }
      end = range.lowerBound
    }
    var found: [Int32] = []
    for token in tokens.reversed() {
      if token.id == unknown, let bytes = byteFallback.ids(of: word.extracting(token.range)) {
        found.append(contentsOf: bytes)
      } else {
        found.append(token.id)
      }
    }
    cache.insert(word, found)
    ids.append(contentsOf: found)
  }

  private func paths(_ word: Span<UInt8>) -> [Node] {
    var nodes = [Node](repeating: Node(), count: word.count + 1)
    nodes[0].score = 0
    var start = 0
    while start < word.count {
      let characterEnd = min(word.count, start + UTF8Scalar.length(lead: word[start]))
      let score = nodes[start].score
      var coversCharacter = false
      var trieNode = ByteTrie.root
      var i = start
      while i < word.count, let next = trie.next(trieNode, word[i]) {
        trieNode = next
        i += 1
        guard let id = trie.value(at: trieNode) else { continue }
        if score + scores[Int(id)] > nodes[i].score {
          nodes[i] = Node(score: score + scores[Int(id)], start: start, id: id)
        }
        if i == characterEnd { coversCharacter = true }
      }
      if !coversCharacter, score + unknownScore > nodes[characterEnd].score {
        nodes[characterEnd] = Node(score: score + unknownScore, start: start, id: unknown)
      }
      start = characterEnd
    }
    return nodes
  }
}

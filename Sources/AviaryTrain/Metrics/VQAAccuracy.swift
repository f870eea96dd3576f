/// The accuracy of the VQA data sets (Antol et al. 2015): an answer counts in full where three of the other people gave it, after both
/// were brought to one form.
public enum VQAAccuracy {
  /// - Parameter answers: what people said, ten usually.
  public static func score(_ answer: String, _ answers: [String]) -> Double {
    var own = String(answer.map { $0 == "\n" || $0 == "\t" ? " " : $0 })
    own = own.drop { $0.isWhitespace }.reversedDropping()
    var others = answers
    if Set(answers).count > 1 {
      others = answers.map(withoutPunctuation)
      own = normalised(own)
    }
    guard others.count > 1 else { return others.first == own ? 1 : 0 }
    let sum = others.indices.reduce(0.0) { sum, left in
      let agreeing = others.indices.count { $0 != left && others[$0] == own }
      return sum + min(1, Double(agreeing) / 3)
    }
    return sum / Double(others.count)
  }

  /// Lower case, digits for number words, no articles, no punctuation, apostrophes in their places.
  public static func normalised(_ text: String) -> String {
    let words = withoutPunctuation(text).lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
    return words.map { numbers[$0] ?? $0 }.filter { !["a", "an", "the"].contains($0) }.map { contractions[$0] ?? $0 }.joined(separator: " ")
  }

  private static let punctuation: [Character] = [";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`", ",", "?", "!"]

  /// A sign beside a blank goes, another becomes one; where a number has a comma all of them go. Points stay before digits.
  static func withoutPunctuation(_ text: String) -> String {
    let hasComma = zip(zip(text, text.dropFirst()), text.dropFirst(2)).contains { $0.0.isWholeNumber && $0.1 == "," && $1.isWholeNumber }
    var out = text
    for sign in punctuation {
      let vanishes = hasComma || text.contains("\(sign) ") || text.contains(" \(sign)")
      out = String(out.flatMap { $0 == sign ? (vanishes ? [] : [" "]) : [$0] })
    }
    let characters = Array(out)
    var removed = 0
    return String(
      characters.indices.compactMap { i -> Character? in
        // The published rule takes away 32 points at most.
        guard characters[i] == ".", removed < 32, i + 1 >= characters.count || !characters[i + 1].isWholeNumber else { return characters[i] }
        removed += 1
        return nil
      })
  }

  private static let numbers: [String: String] = [
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
  ]

  /// Words whose apostrophe was left out.
  private static let contractions: [String: String] = {
    let words = """
      ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's isn't it'd it'll ma'am mightn't might've \
      mustn't must've needn't not've o'clock oughtn't shan't should've shouldn't somebody'll somebody's someone'd someone'll someone's something'd \
      something'll that's there'd there're there's they'd they'll they're they've wasn't we've weren't what'll what're what's what've when's where'd \
      where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all you'd you'll you're you've
      """
    var map = Dictionary(words.split(separator: " ").map { ($0.filter { $0 != "'" }, String($0)) }, uniquingKeysWith: { first, _ in first })
    // Two apostrophes: either may be left out.
    for stem in ["could", "had", "might", "should", "would"] { (map["\(stem)nt've"], map["\(stem)n'tve"]) = ("\(stem)n't've", "\(stem)n't've") }
    for stem in ["he", "it", "she", "someone", "something", "there", "they", "we", "who", "you"] {
      (map["\(stem)d've"], map["\(stem)'dve"]) = ("\(stem)'d've", "\(stem)'d've")
    }
    for (word, form) in [
      ("somebody'd", "somebodyd"), ("somebodyd've", "somebody'd've"), ("somebody'dve", "somebody'd've"), ("twas", "'twas"), ("ow's'at", "'ow's'at"),
      ("'ows'at", "'ow's'at"), ("'ow'sat", "'ow's'at"), ("yall'll", "y'all'll"), ("y'allll", "y'all'll"), ("yall'd've", "y'all'd've"),
      ("y'alld've", "y'all'd've"), ("y'all'dve", "y'all'd've"),
    ] { map[word] = form }
    return map
  }()
}

extension Substring {
  /// Without blanks at the end.
  fileprivate func reversedDropping() -> String {
    var text = self
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// CIDEr-D (Vedantam et al. 2015): how near captions are to what people wrote, by n-grams weighted by how rare they are among the references.
public enum CIDEr {
  private static let longest = 4
  private static let sigma = 6.0

  /// - Parameters:
  ///   - candidates: a caption per picture, as words.
  ///   - references: the captions that people wrote for each picture, as words.
  /// - Returns: each picture's score, tenfold as is usual; their mean is the score of all.
  public static func scores(_ candidates: [[String]], _ references: [[[String]]]) -> [Double] {
    precondition(candidates.count == references.count)
    var frequency: [[String]: Double] = [:]
    let counted = references.map { $0.map(grams) }
    for picture in counted {
      for gram in Set(picture.flatMap(\.keys)) { frequency[gram, default: 0] += 1 }
    }
    let pictures = log(Double(references.count))
    return zip(candidates, counted).map { candidate, references in
      let own = Vector(grams(candidate), frequency, pictures)
      let sum = references.reduce(0.0) { $0 + own.similarity(Vector($1, frequency, pictures)) }
      return references.isEmpty ? 0 : sum / Double(references.count) * 10
    }
  }

  private static func grams(_ words: [String]) -> [[String]: Int] {
    var counts: [[String]: Int] = [:]
    for n in 1...longest where words.count >= n {
      for i in 0...words.count - n { counts[Array(words[i..<i + n]), default: 0] += 1 }
    }
    return counts
  }

  private struct Vector {
    /// By length of n-grams.
    private var weights: [[[String]: Double]] = Array(repeating: [:], count: longest)
    private var norms = [Double](repeating: 0, count: longest)
    /// Pairs of words, which the published scorer takes as the caption's length.
    private var length = 0

    init(_ counts: [[String]: Int], _ frequency: [[String]: Double], _ pictures: Double) {
      for (gram, count) in counts {
        let n = gram.count - 1
        let weight = Double(count) * (pictures - log(max(1, frequency[gram] ?? 0)))
        weights[n][gram] = weight
        norms[n] += weight * weight
        if n == 1 { length += count }
      }
      norms = norms.map { $0.squareRoot() }
    }

    func similarity(_ other: Vector) -> Double {
      let difference = Double(length - other.length)
      let penalty = exp(-(difference * difference) / (2 * sigma * sigma))
      var sum = 0.0
      for n in 0..<longest {
        var value = 0.0
        for (gram, weight) in weights[n] {
          let theirs = other.weights[n][gram] ?? 0
          value += min(weight, theirs) * theirs
        }
        if norms[n] != 0, other.norms[n] != 0 { value /= norms[n] * other.norms[n] }
        sum += value * penalty
      }
      return sum / Double(longest)
    }
  }

  /// Lower case without punctuation, split at blanks: what the scorer's tokenizer makes of plain captions.
  public static func words(_ caption: String) -> [String] {
    let kept = caption.lowercased().map { character -> Character in
      character.isLetter || character.isNumber || character == "'" || character == "-" ? character : " "
    }
    return String(kept).split(separator: " ").map(String.init).filter { $0 != "-" && $0 != "'" }
  }
}

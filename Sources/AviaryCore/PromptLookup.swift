/// Guesses what comes next by what followed the same words before (prompt look-up, Saxena 2023): answers often repeat parts of
/// their prompt. A guess is run with the token before it in one step, and kept as far as the choice agrees, so that the
/// answer is the one that it would be without.
struct PromptLookup {
  /// Tokens guessed at most.
  let most: Int
  private static let (longest, shortest) = (4, 2)

  /// What followed the last occurrence of the longest run of last tokens that occurred before.
  func guess(_ history: [Int32]) -> ArraySlice<Int32> {
    guard most > 0 else { return [] }
    for length in stride(from: Self.longest, through: Self.shortest, by: -1) where history.count > length {
      let run = history.suffix(length)
      for start in stride(from: history.count - length - 1, through: 0, by: -1) where history[start..<start + length].elementsEqual(run) {
        return history[start + length..<min(start + length + most, history.count)]
      }
    }
    return []
  }
}

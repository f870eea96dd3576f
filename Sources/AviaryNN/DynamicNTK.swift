#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Rotary frequencies that depend on the prompt's length (bloc97 and emozilla 2023), in the form of Qwen's first
/// generation: each doubling of the trained length has a base of its own, and a prompt keeps its base while it is
/// continued.
public struct DynamicNTK: Sendable, Hashable {
  let trained: Int
  let longest: Int

  /// - Parameters:
  ///   - trained: length up to which the frequencies stay as they are, at least 1.
  ///   - longest: of the prompts that may come.
  public init(trained: Int, longest: Int) {
    self.trained = max(trained, 1)
    self.longest = longest
  }

  /// How often the trained length must be doubled to hold the prompt.
  public func regime(promptTokens: Int) -> Int {
    var (length, doublings) = (trained, 0)
    while length < promptTokens, doublings < 40 {
      length *= 2
      doublings += 1
    }
    return doublings
  }

  var regimes: Int { regime(promptTokens: longest) + 1 }

  /// The base in the place of `theta`.
  func theta(_ theta: Double, regime: Int, dimensions: Int) -> Double {
    let stretch = pow(2, Double(regime + 1)) - 1
    return theta * pow(stretch, Double(dimensions) / Double(dimensions - 2))
  }
}

public import AviaryCore
public import AviaryTensor

/// An encoder that brings its pictures to mean 0 and deviation 1 itself, where its checkpoint says so: DeepSeek-VL 7B
/// prepares one picture, and each branch normalises in its own way.
public struct SelfNormalizing<Inner: VisionEncoder>: VisionEncoder {
  let inner: Inner
  let statistics: (mean: Weight, deviation: Weight)?

  /// - Parameter statistics: mean and standard deviation of each channel; nil leaves pixels as they are.
  public init(_ w: Weights, _ inner: Inner, _ statistics: PixelStatistics?) throws(AviaryError) {
    self.inner = inner
    self.statistics = try statistics.map { s throws(AviaryError) in
      (
        mean: try w.constant("pixel_mean", s.mean.map { Float($0) }, [1, 3, 1, 1]),
        deviation: try w.constant("pixel_std", s.deviation.map { Float($0) }, [1, 3, 1, 1])
      )
    }
  }

  public var width: Int { inner.width }
  public var viewShapes: [Shape] { inner.viewShapes }
  public var featuresName: String { inner.featuresName }

  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    guard let (mean, deviation) = statistics else { return inner(views) }
    return inner(views.map { ($0 - $0.graph.use(mean)) / $0.graph.use(deviation) })
  }
}

/// Mean and standard deviation of red, green and blue.
public struct PixelStatistics: Sendable, Hashable {
  public var mean: [Double]
  public var deviation: [Double]

  /// Reads `pixel_mean` and `pixel_std`, or nil where either is absent.
  ///
  /// - Throws: `.config` unless each has three numbers, the deviations above zero.
  public init?(_ c: ConfigReader) throws(AviaryError) {
    guard c.has("pixel_mean"), c.has("pixel_std") else { return nil }
    mean = try c.numbers("pixel_mean", count: 3, default: [])
    deviation = try c.numbers("pixel_std", count: 3, default: [])
    guard deviation.allSatisfy({ Float($0) > 0 }) else {
      throw AviaryError(.config, "a standard deviation of \(deviation)", wanted: "numbers above 0", at: "\(c.place): pixel_std")
    }
  }
}

public import AviaryCore
public import AviaryTensor

/// Two encoders that look at the same picture, each at a view of its own, and whose features are joined channel by
/// channel (Vary, DeepSeek-VL 7B). Both must give equally many rows.
public struct TwinTowers<First: VisionEncoder, Second: VisionEncoder>: VisionEncoder {
  public let first: First
  public let second: Second
  let names: (String, String)

  /// - Parameter names: under which the towers' own features are shown to who asks for taps.
  public init(_ first: First, _ second: Second, names: (String, String)) {
    self.first = first
    self.second = second
    self.names = names
  }

  public var width: Int { first.width + second.width }
  public var viewShapes: [Shape] { first.viewShapes + second.viewShapes }
  public var featuresName: String { "joined_features" }

  /// The first's views, then the second's -> [n, t, first.width + second.width]
  public func callAsFunction(_ views: [Tensor]) -> Tensor {
    let count = first.viewShapes.count
    let a = first(Array(views.prefix(count))).tapped(names.0)
    let b = second(Array(views.dropFirst(count))).tapped(names.1)
    return Tensor.concat([a, b], axis: 2)
  }
}

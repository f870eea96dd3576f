/// How weights follow their gradients.
public enum Optimizer: Sendable, Hashable {
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019), as PyTorch computes it.
  case adamW(AdamW)
  /// Stochastic gradient descent with momentum, as PyTorch computes it.
  case sgd(SGD)

  public struct AdamW: Sendable, Hashable {
    public var beta1 = 0.9
    public var beta2 = 0.999
    public var epsilon = 1e-8
    public var weightDecay = 0.0
    public init() {}
  }

  public struct SGD: Sendable, Hashable {
    public var momentum = 0.0
    public var weightDecay = 0.0
    public init() {}
  }

  /// Numbers kept for each weight.
  var moments: Int {
    switch self {
    case .adamW: 2
    case .sgd(let sgd): sgd.momentum > 0 ? 1 : 0
    }
  }
}

/// The learning rate over a run.
public struct Schedule: Sendable, Hashable {
  public enum Shape: String, Sendable, Hashable, CaseIterable { case constant, linear, cosine }
  public var shape = Shape.constant
  public var peak: Double
  /// Steps of linear rise from 0 at the start.
  public var warmup = 0
  public var steps: Int
  /// Where `linear` and `cosine` end, as a share of the peak.
  public var floor = 0.0

  public init(_ shape: Shape = .constant, peak: Double, warmup: Int = 0, steps: Int, floor: Double = 0) {
    (self.shape, self.peak, self.warmup, self.steps, self.floor) = (shape, peak, warmup, steps, floor)
  }

  /// The rate of step `step`, counted from 0.
  public func rate(_ step: Int) -> Double {
    if step < warmup { return peak * Double(step + 1) / Double(warmup) }
    let done = min(Double(step - warmup) / Double(max(steps - warmup, 1)), 1)
    switch shape {
    case .constant: return peak
    case .linear: return peak * (1 - (1 - floor) * done)
    case .cosine: return peak * (floor + (1 - floor) * (1 + cosine(done)) / 2)
    }
  }
}

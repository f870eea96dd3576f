import AviaryCore

/// A picture that a program thought of: coloured shapes on a ground. It follows from its seed alone.
struct Scene: Sendable, Hashable {
  enum Form: String, Sendable, CaseIterable { case circle, square, triangle, rectangle }
  struct Colour: Sendable, Hashable {
    let name: String
    let rgb: [Double]
    static let all = [
      Colour(name: "red", rgb: [220, 40, 40]), Colour(name: "green", rgb: [40, 170, 60]), Colour(name: "blue", rgb: [50, 80, 220]),
      Colour(name: "yellow", rgb: [240, 215, 50]), Colour(name: "black", rgb: [20, 20, 20]), Colour(name: "gray", rgb: [130, 130, 130]),
      Colour(name: "brown", rgb: [125, 75, 35]), Colour(name: "teal", rgb: [20, 145, 145]),
    ]
  }

  struct Item: Sendable, Hashable {
    var form: Form
    var colour: Colour
    var isBig: Bool
    /// Centre and half sizes, in shares of the picture's side.
    var x: Double, y: Double, halfWidth: Double, halfHeight: Double
    /// "red circle"
    var name: String { "\(colour.name) \(form.rawValue)" }

    func overlaps(_ other: Item) -> Bool {
      abs(x - other.x) < halfWidth + other.halfWidth + 0.02 && abs(y - other.y) < halfHeight + other.halfHeight + 0.02
    }
  }

  var ground: [Double]
  /// Strength of the ground's grain, and how its light falls off to one side.
  var grain: Double
  var slope: Double
  var items: [Item]

  /// Shapes in a picture are no more than this.
  static let most = 4

  /// - Parameter most: of shapes; pictures of fewer are easier learnt from.
  init(seed: UInt64, most: Int = Scene.most) {
    var random = SplitMix64(seed: seed)
    let light = Double.random(in: 205...255, using: &random)
    ground = (0..<3).map { _ in min(255, light + Double.random(in: -12...12, using: &random)) }
    grain = Double.random(in: 0...10, using: &random)
    slope = Double.random(in: -30...30, using: &random)
    items = []
    let count = [1, 1, 2, 2, 3, 3, 4].filter { $0 <= most }.randomElement(using: &random) ?? 1
    var attempts = 0
    while items.count < count, attempts < 100 {
      attempts += 1
      let item = Scene.item(&random)
      // Things that share form and colour could not be told apart in words.
      if !items.contains(where: { $0.overlaps(item) || $0.name == item.name }) { items.append(item) }
    }
  }

  private static func item(_ random: inout SplitMix64) -> Item {
    let form = Form.allCases.randomElement(using: &random) ?? .circle
    let isBig = Bool.random(using: &random)
    let half = isBig ? Double.random(in: 0.17...0.23, using: &random) : Double.random(in: 0.08...0.12, using: &random)
    let lying = Bool.random(using: &random)
    let (w, h) = form == .rectangle ? (lying ? (half * 1.25, half * 0.6) : (half * 0.6, half * 1.25)) : (half, half)
    return Item(
      form: form, colour: Colour.all.randomElement(using: &random) ?? Colour.all[0], isBig: isBig,
      x: Double.random(in: w + 0.01...0.99 - w, using: &random), y: Double.random(in: h + 0.01...0.99 - h, using: &random), halfWidth: w, halfHeight: h)
  }
}

extension Scene {
  /// The picture, four samples to a pixel's side.
  func render(side: Int, seed: UInt64) -> PixelImage {
    var random = SplitMix64(seed: seed ^ 0x5ce4e)
    var pixels = [UInt8](repeating: 0, count: side * side * 3)
    let samples = 4
    for y in 0..<side {
      for x in 0..<side {
        let noise = grain > 0 ? Double.random(in: -grain...grain, using: &random) : 0
        let shade = slope * (Double(x) / Double(side) - 0.5) + noise
        let near = items.filter { $0.isNear(x, y, side) }
        if near.isEmpty {
          for c in 0..<3 { pixels[(y * side + x) * 3 + c] = UInt8(max(0, min(255, (ground[c] + shade).rounded()))) }
          continue
        }
        var sum = [0.0, 0.0, 0.0]
        for sy in 0..<samples {
          for sx in 0..<samples {
            let px = (Double(x) + (Double(sx) + 0.5) / Double(samples)) / Double(side)
            let py = (Double(y) + (Double(sy) + 0.5) / Double(samples)) / Double(side)
            let colour = near.last { $0.covers(px, py) }?.colour.rgb
            for c in 0..<3 { sum[c] += colour?[c] ?? ground[c] + shade }
          }
        }
        for c in 0..<3 { pixels[(y * side + x) * 3 + c] = UInt8(max(0, min(255, (sum[c] / Double(samples * samples)).rounded()))) }
      }
    }
    return PixelImage(width: side, height: side, channels: 3, pixels: pixels)
  }
}

extension Scene.Item {
  /// Whether the item's box touches a pixel.
  func isNear(_ column: Int, _ row: Int, _ side: Int) -> Bool {
    let (px, py, half) = ((Double(column) + 0.5) / Double(side), (Double(row) + 0.5) / Double(side), 0.51 / Double(side))
    return abs(px - x) <= halfWidth + half && abs(py - y) <= halfHeight + half
  }

  func covers(_ px: Double, _ py: Double) -> Bool {
    let (dx, dy) = ((px - x) / halfWidth, (py - y) / halfHeight)
    guard abs(dx) <= 1, abs(dy) <= 1 else { return false }
    switch form {
    case .circle: return dx * dx + dy * dy <= 1
    case .square, .rectangle: return true
    // Standing on its base.
    case .triangle: return abs(dx) <= (dy + 1) / 2
    }
  }
}

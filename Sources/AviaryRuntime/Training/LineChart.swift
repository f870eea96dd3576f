import AviaryMedia

/// Curves over steps, as an SVG text and as pixels of the same drawing. Places are in units of a canvas of `width` by `height`.
struct LineChart {
  static let (width, height, margin) = (720.0, 360.0, 48.0)

  private struct Stroke {
    var points: [(x: Double, y: Double)]
    var colour: PixelColour
    var width: Double
  }
  private enum Anchor: String { case start, middle, end }
  private struct Label {
    var text: String
    /// Of its baseline.
    var (x, y) = (0.0, 0.0)
    var anchor = Anchor.start
  }

  private var strokes: [Stroke] = []
  private var labels: [Label] = []

  /// - Parameters:
  ///   - points: at least one; steps ascend, values are 0 or more.
  ///   - marks: steps at which something begins, with its name.
  init(_ points: [(step: Double, value: Double)], x name: String, y quantity: String, marks: [(step: Double, name: String)] = []) {
    let (first, last) = (points[0].step, points[points.count - 1].step)
    let top = points.reduce(0) { max($0, $1.value) }
    let (right, bottom) = (Self.width - Self.margin, Self.height - Self.margin)
    func x(_ step: Double) -> Double { Self.margin + (step - first) / max(last - first, 1) * (right - Self.margin) }
    func y(_ value: Double) -> Double { bottom - value / max(top, 1e-9) * (bottom - Self.margin) }
    func curve(_ values: [(step: Double, value: Double)], _ colour: PixelColour, _ width: Double) -> Stroke {
      Stroke(points: values.map { (x($0.step), y($0.value)) }, colour: colour, width: width)
    }
    let grey = PixelColour(221, 221, 221)
    for i in 0...4 {
      let (value, step) = (top * Double(i) / 4, first + (last - first) * Double(i) / 4)
      strokes.append(Stroke(points: [(Self.margin, y(value)), (right, y(value))], colour: grey, width: 1))
      labels.append(Label(text: "\(Self.rounded(value))", x: Self.margin - 6, y: y(value) + 4, anchor: .end))
      labels.append(Label(text: "\(Int(step))", x: x(step), y: bottom + 18, anchor: .middle))
    }
    for mark in marks {
      strokes.append(Stroke(points: [(x(mark.step), Self.margin), (x(mark.step), bottom)], colour: grey, width: 1))
      labels.append(Label(text: mark.name, x: x(mark.step) + 4, y: Self.margin - 4))
    }
    strokes.append(curve(points, PixelColour(153, 187, 204), 1))
    // A running mean over a fiftieth of the whole lies over the single values.
    let keep = 1 - 1 / max(1, Double(points.count) / 50)
    var mean = points[0].value
    let smooth = points.map { point in
      mean = keep * mean + (1 - keep) * point.value
      return (step: point.step, value: mean)
    }
    strokes.append(curve(smooth, PixelColour(0, 51, 102), 2))
    labels.append(Label(text: name, x: Self.width / 2, y: Self.height - 8, anchor: .middle))
    labels.append(Label(text: quantity, x: Self.margin, y: Self.margin - 20))
  }

  var svg: String {
    let lines = strokes.map { stroke in
      let path = stroke.points.enumerated().map { "\($0.offset == 0 ? "M" : "L")\(Self.rounded($0.element.x)) \(Self.rounded($0.element.y))" }.joined()
      return #"<path d="\#(path)" fill="none" stroke="rgb(\#(stroke.colour.red),\#(stroke.colour.green),\#(stroke.colour.blue))" stroke-width="\#(stroke.width)"/>"#
    }
    let texts = labels.map { label in
      #"<text x="\#(Self.rounded(label.x))" y="\#(Self.rounded(label.y))" text-anchor="\#(label.anchor.rawValue)">\#(Self.escaped(label.text))</text>"#
    }
    return """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(Int(Self.width))" height="\(Int(Self.height))" font-family="sans-serif" font-size="12">
      <rect width="100%" height="100%" fill="white"/>
      \((lines + texts).joined(separator: "\n"))
      </svg>

      """
  }

  /// Two pixels for each unit, letters as large as the font has them.
  var pixels: PixelCanvas {
    let scale = 2.0
    func pixel(_ value: Double) -> Int { Int((value * scale).rounded()) }
    var canvas = PixelCanvas(width: pixel(Self.width), height: pixel(Self.height), .white)
    for stroke in strokes {
      for (a, b) in zip(stroke.points, stroke.points.dropFirst()) {
        canvas.line((pixel(a.x), pixel(a.y)), (pixel(b.x), pixel(b.y)), stroke.colour, thickness: pixel(stroke.width))
      }
    }
    for label in labels {
      let width = PixelCanvas.width(of: label.text)
      let shift = label.anchor == .start ? 0 : label.anchor == .middle ? width / 2 : width
      canvas.write(label.text, pixel(label.x) - shift, pixel(label.y) - PixelCanvas.height() + 3, .black)
    }
    return canvas
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}

public import AviaryTensor

/// A place in a picture, in pixels of the picture as it was given, upright (EXIF orientation applied).
public struct Region: Sendable, Hashable {
  /// A corner: pixels from the left and from the top.
  public struct Point: Sendable, Hashable {
    public var x: Int
    public var y: Int
    public init(x: Int, y: Int) {
      self.x = x
      self.y = y
    }
  }

  /// What is there; empty where nobody says it.
  public var label: String
  /// Two corners of a box, the upper left one first; or the four of a quadrangle, in order around it.
  public var points: [Point]
  /// The picture of the request, from 0.
  public var image: Int

  public var isBox: Bool { points.count == 2 }

  /// - Throws: `.request` where the corners are not two or four, leave the picture, or are in the wrong order.
  public init(_ label: String, _ points: [Point], image: Int = 0, width: Int, height: Int) throws(AviaryError) {
    guard points.count == 2 || points.count == 4 else {
      throw AviaryError(.request, "a place with \(points.count) corners", wanted: "2, of a box, or 4, of a quadrangle")
    }
    let spelled = points.map { "\($0.x),\($0.y)" }.joined(separator: ",")
    guard points.allSatisfy({ (0...width).contains($0.x) && (0...height).contains($0.y) }) else {
      throw AviaryError(.request, "the place \(spelled) in a picture of \(width)x\(height)", wanted: "0...\(width) across and 0...\(height) down")
    }
    if points.count == 2, points[0].x > points[1].x || points[0].y > points[1].y {
      throw AviaryError(.request, "the box \(spelled)", wanted: "the upper left corner first, then the lower right one")
    }
    self.label = label
    self.points = points
    self.image = image
  }

  /// A box as a user writes it: `x1,y1,x2,y2` in pixels, a blank, and what is there; `N:` in front for the N-th picture.
  ///
  /// - Parameter sizes: width and height of each picture of the request; without a number the last is meant.
  /// - Throws: `.request` where it is written otherwise, leaves the picture, is reversed or has no inside.
  public init(parsing text: String, sizes: [(width: Int, height: Int)]) throws(AviaryError) {
    let wanted = "x1,y1,x2,y2 in pixels, the upper left corner first, and a label behind a blank where there is one"
    let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: true)
    var coordinates = words.first ?? ""
    var image = sizes.count - 1
    if let colon = coordinates.firstIndex(of: ":") {
      guard let number = Int(coordinates[..<colon]), (1...max(1, sizes.count)).contains(number) else {
        throw AviaryError(.request, "the box \"\(text)\"", wanted: "a picture's number from 1 to \(sizes.count) in front of the colon")
      }
      image = number - 1
      coordinates = coordinates[coordinates.index(after: colon)...]
    }
    guard sizes.indices.contains(image) else { throw AviaryError(.request, "a box without a picture", wanted: "a picture that it lies in") }
    let numbers = coordinates.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    guard numbers.count == 4, let x1 = numbers[0], let y1 = numbers[1], let x2 = numbers[2], let y2 = numbers[3] else {
      throw AviaryError(.request, "the box \"\(text)\"", wanted: wanted)
    }
    try self.init(
      words.count == 2 ? String(words[1]) : "", [Point(x: x1, y: y1), Point(x: x2, y: y2)], image: image, width: sizes[image].width,
      height: sizes[image].height)
    guard x1 < x2, y1 < y2 else { throw AviaryError(.request, "the box \(coordinates) has no inside", wanted: wanted) }
  }
}

/// How a model family writes places: in its answers, and in the prompts that it was trained with.
public protocol RegionSyntax: Sendable {
  /// The places of an answer, in order.
  ///
  /// - Parameters:
  ///   - prompt: what the answer continues; it may have begun a place.
  ///   - width: pixels of the picture that is meant.
  func read(_ answer: String, after prompt: String, width: Int, height: Int) -> RegionReading
  /// A place as it is written in a prompt.
  func write(_ region: Region, width: Int, height: Int) -> String
}

/// The places of an answer.
public struct RegionReading: Sendable, Hashable {
  public var regions: [Region] = []
  /// What stands in the form of a place and cannot be one: models err.
  public var problems: [AviaryError] = []

  public init() {}

  /// Adds a place whose corners the model gave in parts of the picture's sides.
  ///
  /// - Parameters:
  ///   - corners: 0 is the left or upper edge, `scale` the other one.
  public mutating func add(_ label: String, _ corners: [(x: Double, y: Double)], scale: Double, width: Int, height: Int) {
    do throws(AviaryError) {
      guard corners.allSatisfy({ (0...scale).contains($0.x) && (0...scale).contains($0.y) }) else {
        let spelled = corners.map { "(\($0.x),\($0.y))" }.joined(separator: ",")
        throw AviaryError(.format, "the answer's place \(spelled)", wanted: "numbers in 0...\(scale)")
      }
      // The published code's order of operations, truncated.
      let points = corners.map { Region.Point(x: Int($0.x / scale * Double(width)), y: Int($0.y / scale * Double(height))) }
      regions.append(try Region(label, points, width: width, height: height))
    } catch { problems.append(AviaryError(.format, error.found, wanted: error.wanted, at: "the answer")) }
  }
}
